"""Actions of whoever holds an answer link: the code that proves the listed address."""
