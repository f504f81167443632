"""What every command gets: the settings, the database (opened when first asked for), the clock, and how to answer."""

import json
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property
from typing import Any

import click
from uuid_utils.compat import uuid7

from exchange.app import open_database, system_clock
from exchange.config import Config
from exchange.db.session import Database
from exchange.domain.actor import Actor, ActorKind


class House:
    """The house as the operator sees it. `as_json` is set by the `--json` of the running command."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.as_json = False
        self.request_id = f"cli-{uuid7()}"

    @cached_property
    def database(self) -> Database:
        """The database; a missing key file is a sentence, not a trace."""
        if self.config.secret_key_file is None or not self.config.secret_key_file.exists():
            raise click.ClickException(
                "EXCHANGE_SECRET_KEY_FILE must name the file that seals the data: "
                "make one with `exchange check --make-key FILE`."
            )
        return open_database(self.config)

    def now(self) -> datetime:
        """Return the time, aware UTC."""
        return system_clock()

    def operator(
        self, *, organization_id: str | None = None, source: str | None = None, purpose: str | None = None
    ) -> Actor:
        """Return the operator as an actor, named after the OS user."""
        import getpass

        return Actor(
            ActorKind.OPERATOR,
            organization_id=organization_id,
            name=f"operator {getpass.getuser()}",
            source=source,
            purpose=purpose,
            request_id=self.request_id,
        )

    def answer(self, document: Any, lines: Iterable[str]) -> None:
        """Print the JSON document under --json, the lines otherwise."""
        if self.as_json:
            json.dump(document, sys.stdout, indent=2, ensure_ascii=False, default=str)
            sys.stdout.write("\n")
        else:
            for line in lines:
                click.echo(line)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--json`: one JSON document on standard output and nothing else."""

    def chosen(context: click.Context, _parameter: click.Parameter, value: bool) -> bool:
        if value:
            context.ensure_object(House).as_json = True
        return value

    return click.option(
        "--json", is_flag=True, expose_value=False, is_eager=True, callback=chosen, help="Print one JSON document."
    )(command)
