"""Every route says who may use it: the mark that `exchange.web.guard.access` leaves on a view is read."""

import inspect
from pathlib import Path
from typing import Any, Final

import pytest

from tests.house_rules.source import ROOT

STATIC: Final = "static"  # Flask's own views of files that come with a wheel


def unmarked(app: Any) -> list[str]:
    """Return a line for each route of an app whose view has no access mark."""
    return sorted(
        f"{rule.rule} ({rule.endpoint}) carries no access mark: put @access(...) on its view."
        for rule in app.url_map.iter_rules()
        if rule.endpoint.rpartition(".")[2] != STATIC
        and not getattr(inspect.unwrap(app.view_functions[rule.endpoint]), "access", None)
        and not getattr(app.view_functions[rule.endpoint], "access", None)
    )


def test_every_route_says_who_may_use_it(house_app: Any) -> None:
    assert unmarked(house_app) == []


def test_the_addresses_that_others_rely_on_are_there(house_app: Any) -> None:
    rules = {rule.rule for rule in house_app.url_map.iter_rules()}

    assert {"/fhir/metadata", "/fhir/.well-known/smart-configuration", "/healthz", "/readyz"} <= rules


def test_a_route_without_a_mark_is_seen() -> None:
    from flask import Flask

    app = Flask("strangers")

    @app.get("/open")
    def opened() -> str:
        return "open"

    def marked() -> str:
        return "marked"

    marked.access = "anyone"  # type: ignore[attr-defined]
    app.add_url_rule("/marked", view_func=marked)

    assert [line.split()[0] for line in unmarked(app)] == ["/open"]


@pytest.fixture
def house_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The whole app on an empty database of its own, made as the command line makes it: from the environment."""
    if not (ROOT / "exchange/app.py").is_file():
        pytest.skip("exchange/app.py is not there yet.")
    from exchange.app import create_app

    key_file = tmp_path / "secret.key"
    key_file.write_text("0123456789abcdef" * 4, encoding="ascii")
    monkeypatch.setenv("EXCHANGE_DATABASE_URL", f"sqlite:///{tmp_path / 'exchange.db'}")
    monkeypatch.setenv("EXCHANGE_BASE_URL", "http://127.0.0.1:8000")
    monkeypatch.setenv("EXCHANGE_SECRET_KEY_FILE", str(key_file))
    monkeypatch.setenv("EXCHANGE_MAIL_URL", f"file://{tmp_path / 'mail'}")
    return create_app()
