"""Actions on the people who sign in."""
