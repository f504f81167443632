"""The API door: the directory search, webhooks and administration."""
