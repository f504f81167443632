"""`python -m exchange` is the same as `exchange`."""

from exchange.cli.main import main

if __name__ == "__main__":
    main()
