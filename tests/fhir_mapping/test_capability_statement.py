"""The CapabilityStatement says what the tables say, and is FHIR."""

from datetime import UTC, datetime
from typing import Any

import pytest

from fhir_mapping import systems
from fhir_mapping.capability import capability_statement
from fhir_mapping.conformance import check
from fhir_mapping.resource_types import RESOURCE_TYPES
from fhir_mapping.search_parameters import parameters_of


@pytest.fixture(name="statement")
def _statement() -> dict[str, Any]:
    return capability_statement(
        base_url="https://exchange.example/fhir",
        oauth_token_url="https://exchange.example/oauth/token",
        oauth_introspect_url="https://exchange.example/oauth/introspect",
        published_at=datetime(2026, 11, 23, tzinfo=UTC),
        version="0.1.0",
    )


def test_it_passes_our_own_check(statement: dict[str, Any]) -> None:
    assert check(statement) == ()


def test_it_lists_each_type_with_its_interactions_and_parameters(statement: dict[str, Any]) -> None:
    listed = {resource["type"]: resource for resource in statement["rest"][0]["resource"]}

    assert listed.keys() == RESOURCE_TYPES.keys()
    for name, kind in RESOURCE_TYPES.items():
        assert {item["code"] for item in listed[name]["interaction"]} == kind.interactions
        assert {item["name"] for item in listed[name]["searchParam"]} == parameters_of(name).keys()
        assert listed[name].get("searchInclude", []) == [f"{name}:{code}" for code in kind.includes]
        assert listed[name]["updateCreate"] is False


def test_a_client_that_knows_only_the_old_extension_finds_the_token_address(statement: dict[str, Any]) -> None:
    security = statement["rest"][0]["security"]
    (extension,) = security["extension"]

    assert extension["url"] == systems.OAUTH_URIS
    assert {"url": "token", "valueUri": "https://exchange.example/oauth/token"} in extension["extension"]
    assert [item["url"] for item in extension["extension"]] == ["token", "introspect"]
    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"


def test_the_two_parameters_of_sdohcc_are_named_by_their_definition(statement: dict[str, Any]) -> None:
    found = {
        parameter.get("definition")
        for resource in statement["rest"][0]["resource"]
        for parameter in resource["searchParam"]
    }

    assert {systems.SDOHCC_TASK_OUTPUT_PARAMETER, systems.SDOHCC_SUPPORTING_INFO_PARAMETER} <= found
