"""Logs: one JSON object a line, static messages with primitive attributes, never an object that could hold a person."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

#  only these attributes reach a log: ids, codes, counts and durations
ATTRIBUTES: Final = (
    "request_id", "method", "route", "status", "milliseconds", "organization_id", "actor_kind", "referral_id",
    "message_id", "kind", "channel", "attempts", "count", "error", "port", "address",
)  # fmt: skip


_REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)


def note_request_id(text: str | None) -> None:
    """Let every line of this thread carry a request id from now on: what a web server's thread works on."""
    _REQUEST_ID.set(text)


@contextmanager
def request_id(text: str) -> Iterator[None]:
    """Let every line that is written inside carry a request id: one pass of a worker, one command."""
    before = _REQUEST_ID.set(text)
    try:
        yield
    finally:
        _REQUEST_ID.reset(before)


class JsonLines(logging.Formatter):
    """Format a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.msg if not record.args else record.getMessage(),
        }
        given = vars(record)
        line |= {name: given[name] for name in ATTRIBUTES if name in given}
        if line.get("request_id") is None:
            line["request_id"] = _REQUEST_ID.get()
        if record.exc_info and record.exc_info[0]:
            #  the type and the place, never the text: an exception's text may hold what somebody sent
            frame = record.exc_info[2]
            while frame and frame.tb_next:
                frame = frame.tb_next
            line["exception"] = record.exc_info[0].__name__
            line["raised_at"] = (
                f"{frame.tb_frame.f_code.co_filename.rpartition('/')[2]}:{frame.tb_lineno}" if frame else ""
            )
        return json.dumps(line)


def set_up_logs(level: str) -> None:
    """Send the exchange's logs to standard error; other libraries only from warnings on."""
    #  a line does not say by which thread it was written, so nobody need find that out
    #  (https://docs.python.org/3/howto/logging.html#optimization)
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("exchange").setLevel(level.upper())
