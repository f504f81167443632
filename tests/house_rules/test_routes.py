"""Every route says who may use it: the mark that `exchange.web.guard.access` leaves on a view is read."""

import base64
import inspect
from pathlib import Path
from typing import Any, Final

import pytest

from tests.house_rules.source import ROOT

DOOR_FILES: Final = tuple(f"web/{door}/door" for door in ("health", "fhir", "oauth", "api", "portal"))
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

    assert {"/fhir/metadata", "/fhir/.well-known/smart-configuration", "/healthz", "/readyz", "/metrics"} <= rules


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
def house_app(tmp_path: Path) -> Any:
    """The whole app with every door, on an empty database of its own."""
    missing = [name for name in ("app", "outbound", *DOOR_FILES) if not (ROOT / f"exchange/{name}.py").is_file()]
    if missing:
        pytest.skip(f"Not there yet, in exchange/: {', '.join(missing)}.")
    from exchange.app import create_app, open_database
    from exchange.config import Config

    key_file = tmp_path / "secret.key"
    key_file.write_text(base64.b64encode(bytes(range(32))).decode("ascii"), encoding="ascii")
    config = Config(database_url=f"sqlite:///{tmp_path / 'exchange.db'}", secret_key_file=key_file)
    return create_app(config, open_database(config))
