"""Nothing but `exchange/outbound.py` opens a connection: one place guards addresses, time, size and redirects."""

import ast
from pathlib import Path
from typing import Final

import pytest

from tests.house_rules.source import dotted, imports_in, is_within, python_files, tree_of

OUTBOUND: Final = "exchange/outbound.py"
OPENS_CONNECTIONS: Final = (
    "aiohttp",
    "authlib.integrations.httpx_client",
    "authlib.integrations.requests_client",
    "ftplib",
    "http.client",
    "httpx",
    "imaplib",
    "poplib",
    "smtplib",
    "telnetlib",
    "urllib.request",
    "urllib3",
    "websockets",
    "xmlrpc.client",
)
#  the one other place that talks to a machine, by the protocol that outbound does not speak
EXCEPTIONS: Final = {"smtplib": "exchange/work/channels/email.py"}
BUILDS_A_SESSION: Final = {"Session", "session", "OAuth2Session", "AssertionSession", "HTTPAdapter"}
ASKS_AT_ONCE: Final = {"get", "post", "put", "patch", "delete", "head", "options", "request"}
CONNECTS: Final = {"create_connection", "open_connection", "connect", "connect_ex", "sendto"}


def connections_opened(tree: ast.Module, path: Path) -> list[str]:
    """Return a line for each thing in a module that opens a connection or builds what does."""
    imported = imports_in(tree, path)
    found = [
        f"{path}:{line} imports {module}"
        for module, line in imported
        if any(is_within(module, name) and EXCEPTIONS.get(name) != path.as_posix() for name in OPENS_CONNECTIONS)
    ]
    modules = {module.split(".")[0] for module, _ in imported}
    from_requests = _names_from_requests(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = dotted(node.func)
        owner, _, name = called.rpartition(".")
        builds = owner == "requests" and name in BUILDS_A_SESSION | ASKS_AT_ONCE
        builds |= owner.startswith("requests.") and name in BUILDS_A_SESSION | ASKS_AT_ONCE
        builds |= not owner and name in from_requests & (BUILDS_A_SESSION | ASKS_AT_ONCE)
        connects = "socket" in modules and name in CONNECTS or owner == "asyncio" and name in CONNECTS
        if builds or connects:
            found.append(f"{path}:{node.lineno} calls {called}")
    return found


def _names_from_requests(tree: ast.Module) -> set[str]:
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "requests"
        for alias in node.names
    }


@pytest.mark.parametrize("path", [path for path in python_files() if path.as_posix() != OUTBOUND], ids=str)
def test_a_module_opens_no_connection_of_its_own(path: Path) -> None:
    assert connections_opened(tree_of(path), path) == []


@pytest.mark.parametrize(
    "source",
    [
        "import requests\nrequests.get('https://a.example')",
        "import requests\nsession = requests.Session()",
        "import requests\nsession = requests.sessions.Session()",
        "from requests import Session\nsession = Session()",
        "import urllib.request",
        "from urllib import request",
        "from http.client import HTTPSConnection",
        "import smtplib",
        "import socket\nsocket.create_connection(('a.example', 80))",
        "import socket\ns = socket.socket()\ns.connect(('a.example', 80))",
        "from authlib.integrations.requests_client import OAuth2Session",
    ],
)
def test_a_connection_outside_outbound_is_seen(source: str) -> None:
    assert connections_opened(ast.parse(source), Path("exchange/actions/referrals/send_referral.py"))


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("import smtplib\nsmtplib.SMTP('localhost')", "exchange/work/channels/email.py"),
        ("import requests\ndef ask(session: requests.Session):\n    return session.get('/')", "exchange/work/relay.py"),
        ("def read(engine):\n    return engine.connect()", "exchange/db/session.py"),
        ("from urllib.parse import urlsplit", "exchange/config.py"),
    ],
)
def test_a_session_that_is_handed_down_may_be_used(source: str, path: str) -> None:
    assert connections_opened(ast.parse(source), Path(path)) == []
