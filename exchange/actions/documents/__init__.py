"""Actions on documents: check, keep, change, receive."""
