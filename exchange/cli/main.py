"""`exchange …`: one table of commands, each loaded only when it is called.

Errors go to standard error as one sentence; exit status 2 for wrong use, 1 for failure.
"""

import importlib
import sys
from typing import Any, Final

import click

from exchange.cli.house import House
from exchange.config import config_from
from exchange.domain.errors import ExchangeError
from exchange.logs import note_request_id, set_up_logs

COMMANDS: Final = {
    "db": ("exchange.cli.db", "db"),
    "serve": ("exchange.cli.serve", "serve"),
    "worker": ("exchange.cli.worker", "worker"),
    "check": ("exchange.cli.check", "check"),
    "backup": ("exchange.cli.backup", "backup"),
    "restore": ("exchange.cli.backup", "restore"),
    "keys": ("exchange.cli.keys", "keys"),
    "outbox": ("exchange.cli.outbox", "outbox"),
    "directory": ("exchange.cli.directory", "directory"),
    "organization": ("exchange.cli.organization", "organization"),
    "client": ("exchange.cli.client", "client"),
    "user": ("exchange.cli.user", "user"),
    "referral": ("exchange.cli.referral", "referral_group"),
    "audit": ("exchange.cli.audit", "audit"),
    "pages": ("exchange.cli.pages", "pages"),
}


class Commands(click.Group):
    """A group whose commands are modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.command(cls=Commands)
@click.pass_context
def cli(context: click.Context) -> None:
    """The open referral exchange: refer a person, get an answer, close the loop."""
    config = config_from()
    set_up_logs(config.log_level)
    context.obj = House(config)
    note_request_id(context.obj.request_id)


def main(arguments: list[str] | None = None) -> Any:
    """Run a command and end the process with its status."""
    try:
        cli.main(args=arguments, prog_name="exchange", standalone_mode=False)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except click.ClickException as wrong:
        click.echo(_sentence(wrong), err=True)
        sys.exit(wrong.exit_code)
    except ExchangeError as refusal:
        click.echo(refusal.sentence, err=True)
        sys.exit(1)
    except (OSError, ValueError) as failure:
        click.echo(f"This did not work: {failure}", err=True)
        sys.exit(1)


def _sentence(wrong: click.ClickException) -> str:
    usage = f" Try `{wrong.ctx.command_path} --help`." if isinstance(wrong, click.UsageError) and wrong.ctx else ""
    return f"{wrong.format_message()}{usage}"
