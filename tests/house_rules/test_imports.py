"""The arrow of ARCHITECTURE §1: who may import whom. The first room below that holds a module decides about it."""

import ast
import sys
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.house_rules.source import PACKAGES, ROOT, imports_in, is_within, module_name, python_files, tree_of

FLASK: Final = ("flask", "flask_wtf", "flask_babel", "flask_bootstrap", "werkzeug", "wtforms")
NETWORK: Final = ("requests", "urllib3", "authlib", "joserfc")
DATABASE: Final = ("sqlalchemy", "alembic", "psycopg")
MODELS: Final = ("fhir",)
DOORS: Final = ("fhir", "oauth", "portal", "hsds", "api", "health")
BESIDE: Final = ("exchange.config", "exchange.logs", "exchange.outbound")
BELOW: Final = ("exchange.actions", "exchange.db", "exchange.domain", "fhir_mapping", "directory")


class Room(NamedTuple):
    """A room: which parts of the house it may import, which of those it may not, and which libraries it may not.

    `libraries` None means: the standard library only.
    """

    name: str
    may: tuple[str, ...]
    never: tuple[str, ...] = ()
    libraries: tuple[str, ...] | None = ()


ROOMS: Final = (
    Room("directory", ("directory",), (), FLASK + NETWORK + MODELS),
    Room("fhir_mapping.case_data", ("fhir_mapping.case_data",), (), None),
    Room("fhir_mapping.ehr", ("fhir_mapping", "directory.records"), (), FLASK + DATABASE),
    Room("fhir_mapping", ("fhir_mapping", "directory.records"), ("fhir_mapping.ehr",), FLASK + DATABASE + NETWORK),
    Room("exchange.domain", ("exchange.domain", "fhir_mapping.case_data"), (), None),
    Room("exchange.db.migrations", ("exchange.db.migrations",), (), FLASK + NETWORK + MODELS),
    Room(
        "exchange.db",
        ("exchange.db", "exchange.domain", "fhir_mapping.case_data", "fhir_mapping.search_parameters"),
        (),
        FLASK + NETWORK + MODELS,
    ),
    Room("exchange.actions", BELOW, (), FLASK),
    *(Room(f"exchange.web.{door}", ("exchange.web", *BESIDE, *BELOW), ()) for door in DOORS),
    Room("exchange.web", ("exchange.web", *BESIDE, *BELOW), tuple(f"exchange.web.{door}" for door in DOORS)),
    Room("exchange.work", ("exchange.work", *BESIDE, *BELOW), (), FLASK),
    Room("exchange.outbound", ("exchange.domain", "exchange.config"), (), FLASK + DATABASE),
    Room("exchange.config", ("exchange.domain",), (), FLASK + DATABASE + NETWORK),
    Room("exchange.logs", ("exchange.domain",), (), FLASK + DATABASE + NETWORK),
    Room("exchange.__main__", ("exchange.cli",), (), FLASK + DATABASE + NETWORK),
    Room("exchange.app", ("exchange", "fhir_mapping", "directory"), ("exchange.cli",), ()),
    Room("exchange.cli", ("exchange", "fhir_mapping", "directory"), (), ()),
    Room("exchange", (), (), None),
)


def room_of(module: str) -> Room:
    """Return the room that decides about a module."""
    return next(room for room in ROOMS if is_within(module, room.name))


def may_import(importer: str, imported: str) -> bool:
    """Return whether the architecture lets one module import another."""
    room = room_of(importer)
    top = imported.split(".")[0]
    if top in PACKAGES:
        other_door = room.name.startswith("exchange.web.") and any(
            is_within(imported, f"exchange.web.{door}") for door in DOORS if f"exchange.web.{door}" != room.name
        )
        allowed = any(is_within(imported, name) for name in room.may)
        return allowed and not other_door and not any(is_within(imported, name) for name in room.never)
    if top in ("tests", "run"):
        return False
    if room.libraries is None:
        return top in sys.stdlib_module_names
    return top not in room.libraries


@pytest.mark.parametrize("path", python_files(), ids=str)
def test_a_module_imports_only_what_the_arrow_allows(path: Path) -> None:
    importer = module_name(path)

    against = [
        f"{path}:{found.line} imports {found.module}"
        for found in imports_in(tree_of(path), path)
        if not may_import(importer, found.module)
    ]

    assert against == []


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("directory.search", "exchange.domain.errors"),
        ("directory.search", "fhir_mapping.systems"),
        ("directory.importing", "requests"),
        ("fhir_mapping.bundle", "directory.tables"),
        ("fhir_mapping.bundle", "fhir_mapping.ehr.client"),
        ("fhir_mapping.bundle", "sqlalchemy.orm"),
        ("fhir_mapping.case_data.referral", "fhir.resources.R4B.task"),
        ("fhir_mapping.case_data.referral", "fhir_mapping.systems"),
        ("fhir_mapping.ehr.client", "flask"),
        ("exchange.domain.referral", "exchange.db.referral"),
        ("exchange.domain.referral", "fhir_mapping.systems"),
        ("exchange.domain.referral", "sqlalchemy"),
        ("exchange.domain.deadlines", "holidays"),
        ("exchange.db.referral", "exchange.actions.referrals.send_referral"),
        ("exchange.db.referral", "directory.tables"),
        ("exchange.db.referral", "fhir_mapping.bundle"),
        ("exchange.db.migrations.versions.n0001_first", "exchange.db.base"),
        ("exchange.actions.referrals.send_referral", "exchange.web.guard"),
        ("exchange.actions.referrals.send_referral", "exchange.work.relay"),
        ("exchange.actions.referrals.send_referral", "flask_wtf"),
        ("exchange.web.portal.door", "exchange.web.fhir.door"),
        ("exchange.web.guard", "exchange.web.oauth.token"),
        ("exchange.web.fhir.read", "exchange.work.relay"),
        ("exchange.web.fhir.read", "exchange.app"),
        ("exchange.work.relay", "exchange.web.guard"),
        ("exchange.work.relay", "flask"),
        ("exchange.outbound", "exchange.web.guard"),
        ("exchange.app", "exchange.cli.main"),
        ("exchange.cli.main", "tests.conftest"),
    ],
)
def test_an_import_against_the_arrow_is_refused(importer: str, imported: str) -> None:
    assert not may_import(importer, imported)


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("directory.search", "sqlalchemy"),
        ("fhir_mapping.resources.organization", "directory.records"),
        ("fhir_mapping.conformance", "fhir.resources.R4B.task"),
        ("fhir_mapping.ehr.client", "requests"),
        ("exchange.domain.referral", "fhir_mapping.case_data.referral"),
        ("exchange.db.document", "fhir_mapping.search_parameters"),
        ("exchange.actions.referrals.send_referral", "directory.search"),
        ("exchange.web.fhir.read", "exchange.web.guard"),
        ("exchange.web.fhir.read", "exchange.web.fhir.door"),
        ("exchange.web.fhir.read", "exchange.actions.documents.read_document"),
        ("exchange.work.relay", "exchange.outbound"),
        ("exchange.app", "exchange.web.fhir.door"),
        ("exchange.cli.main", "exchange.app"),
        ("exchange.__main__", "exchange.cli.main"),
    ],
)
def test_an_import_along_the_arrow_is_allowed(importer: str, imported: str) -> None:
    assert may_import(importer, imported)


def test_every_folder_with_a_door_is_one_of_the_doors() -> None:
    doors = {path.parent.name for path in python_files("exchange") if path.name == "door.py"}

    assert doors <= set(DOORS)


def test_the_launcher_needs_nothing_but_the_standard_library() -> None:
    path = Path("run.py")

    imported = {found.module.split(".")[0] for found in imports_in(tree_of(path), path)}

    assert imported <= set(sys.stdlib_module_names)


def test_relative_and_late_imports_are_seen_too() -> None:
    path = Path("exchange/web/portal/door.py")
    source = (
        "from ..guard import access\ndef later():\n    import importlib\n    importlib.import_module('exchange.work')\n"
    )

    found = {name.module for name in imports_in(ast.parse(source), path)}

    assert found == {"exchange.web.guard", "importlib", "exchange.work"}


def test_the_rules_look_at_a_whole_house() -> None:
    assert {path.parts[0] for path in python_files()} == set(PACKAGES)
    assert (ROOT / "pyproject.toml").is_file()
