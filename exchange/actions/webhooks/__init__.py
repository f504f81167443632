"""Actions on the addresses that are told."""
