"""What is remembered: one file per noun holds its tables and its named queries."""
