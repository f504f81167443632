"""Every code table once, a file per source."""
