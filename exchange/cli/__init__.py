"""The command line: `exchange …`."""
