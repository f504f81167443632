"""How the demo is told: a title a step, one line a thing that happened, and what each side now sees."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import click

from exchange.cli.demo_wire import DemoFailed


@dataclass
class Step:
    """A step of the story as `--json` prints it."""

    number: int
    title: str
    lines: list[str] = field(default_factory=list)
    ok: bool = False


@dataclass
class Telling:
    """Tells the story as it goes. `to_stderr` keeps stdout for the one JSON document; colours are for terminals."""

    to_stderr: bool = False
    steps: list[Step] = field(default_factory=list)

    def aside(self, line: str) -> None:
        """Say something outside the steps."""
        self._print(line, dim=True)

    def step(self, number: int, title: str, act: Callable[[], None]) -> None:
        """Tell one step. Raises DemoFailed as soon as something does not hold."""
        self.steps.append(Step(number, title))
        self._print("")
        self._print(f"{number}. {title}", bold=True)
        act()
        self.steps[-1].ok = True

    def say(self, line: str) -> None:
        """Say what happened."""
        self.steps[-1].lines.append(line)
        self._print(f"   {line}")

    def sees(self, who: str, line: str) -> None:
        """Say what one side now sees."""
        self.steps[-1].lines.append(f"{who} sees: {line}")
        self._print(f"   {click.style(who + ' sees:', fg='cyan')} {line}")

    def _print(self, line: str, **style: Any) -> None:
        click.secho(line, err=self.to_stderr, **style)


def hold(is_so: object, sentence: str) -> None:
    """Raise DemoFailed with the sentence unless it is so."""
    if not is_so:
        raise DemoFailed(sentence)
