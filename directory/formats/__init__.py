"""One file per form in which a directory arrives; `registry.py` holds the table of them."""
