"""Actions on the programs that call: registering and revoking them, their tokens."""
