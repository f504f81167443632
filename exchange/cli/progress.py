"""How far long work is: one line that is rewritten on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Callable
from typing import Final

import click

WIDTH: Final = 30


def progress_shown() -> Callable[[str, int, int], None]:
    """Return what shows a stage, how much of it is done, and how much there is."""

    def show(stage: str, done: int, total: int) -> None:
        if sys.stderr.isatty():
            bar = "#" * (WIDTH * done // max(total, 1))
            click.echo(f"\r{stage} [{bar:<{WIDTH}}] {done} of {total}", nl=done == total, err=True)
        else:
            click.echo(f"{stage} {done} of {total}", err=True)

    return show


def nothing_shown(_stage: str, _done: int, _total: int) -> None:
    """Show nothing: what `--json` wants."""
