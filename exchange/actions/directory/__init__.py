"""Actions on the directory and on who is in it."""
