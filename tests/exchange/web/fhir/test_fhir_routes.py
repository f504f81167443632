"""The door does what its tables say, and nothing else: every type with every interaction, every scope, every method."""

from itertools import product
from typing import Final

import pytest

from exchange.web.fhir.interactions import INTERACTIONS, Interaction
from fhir_mapping.resource_types import RESOURCE_TYPES, ResourceType, scope_letter
from tests.exchange.web.fhir.conftest import Caller, Door, json_of, told

PAIRS: Final = sorted(product(RESOURCE_TYPES.values(), INTERACTIONS), key=lambda pair: (pair[0].name, pair[1].name))
OFFERED: Final = [(kind, one) for kind, one in PAIRS if one.is_for(kind)]
REFUSED: Final = [(kind, one) for kind, one in PAIRS if not one.is_for(kind)]
FORM: Final = "application/x-www-form-urlencoded"


def name_of(value: object) -> str:
    return getattr(value, "name", str(value))


def path_of(kind: ResourceType, interaction: Interaction) -> str:
    rule = interaction.rule.replace("<fhir_id:document_id>", "nobody").replace("<fhir_id:version>", "1")
    return f"/{kind.name}{rule}"


def ask(caller: Caller, kind: ResourceType, interaction: Interaction) -> object:
    if interaction.name == "search_by_form":
        return caller.ask("POST", path_of(kind, interaction), "", Content_Type=FORM)
    body = {"resourceType": kind.name, "id": "nobody"} if interaction.writes else None
    return caller.ask(interaction.method, path_of(kind, interaction), body)


def test_no_type_offers_more_or_less_than_the_table(door: Door, hospital: Caller) -> None:
    """One house for all pairs: what is offered is carried out (or refused for its content), the rest is 404 or 405."""
    for kind, interaction in OFFERED:
        answer = ask(hospital, kind, interaction)
        assert answer.status_code not in (403, 405, 500), (kind.name, interaction.name)  # type: ignore[attr-defined]
        if answer.status_code == 404:  # type: ignore[attr-defined]
            assert told(answer)[1] == "not-found", (kind.name, interaction.name)  # type: ignore[arg-type]
    for kind, interaction in REFUSED:
        answer = ask(hospital, kind, interaction)
        assert told(answer)[:2] in ((404, "not-supported"), (405, "not-supported")), (kind.name, interaction.name)  # type: ignore[arg-type]


def test_every_interaction_asks_for_its_scope(door: Door) -> None:
    callers = {letter: door.caller("hospital", "system/*." + "cruds".replace(letter, "")) for letter in "crus"}

    for kind, interaction in OFFERED:
        letter = scope_letter(interaction.code)
        answer = ask(callers[letter], kind, interaction)
        assert told(answer) == (  # type: ignore[arg-type]
            403,
            "forbidden",
            f"This token does not reach that: ask for a token with the scope system/{kind.name}.{letter}.",
        ), (kind.name, interaction.name)


def test_the_scope_of_one_type_does_not_reach_another(door: Door) -> None:
    caller = door.caller("hospital", "system/Patient.cruds")

    assert caller.get("/Patient").status_code == 200
    assert told(caller.get("/Task"))[:2] == (403, "forbidden")


def test_every_address_wants_a_token(door: Door) -> None:
    http = door.app.test_client()

    for kind, interaction in OFFERED:
        answer = http.open(f"/fhir{path_of(kind, interaction)}", method=interaction.method)
        assert told(answer)[:2] == (401, "login"), (kind.name, interaction.name)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    for method, path in (("POST", ""), ("GET", ""), ("GET", "/Colour"), ("DELETE", "/Patient/1")):
        assert told(http.open(f"/fhir{path}", method=method))[:2] == (401, "login"), (method, path)


def test_a_token_that_is_none_is_refused(door: Door, hospital: Caller) -> None:
    for header in ["", "Basic abc", "Bearer", "Bearer nonsense", "Bearer token-1-x"]:
        answer = door.app.test_client().get("/fhir/Patient", headers={"Authorization": header})
        assert told(answer)[:2] == (401, "login"), header


def test_a_token_that_has_run_out_is_refused(door: Door, hospital: Caller) -> None:
    door.house.clock.forward(days=31)

    assert told(hospital.get("/Patient"))[:2] == (401, "expired")


def test_a_method_that_is_not_offered_is_told_which_ones_are(hospital: Caller) -> None:
    for method, path, allowed in [
        ("DELETE", "/Patient/1", "GET, HEAD, PUT"),
        ("PATCH", "/Task/1", "GET, HEAD, PUT"),
        ("POST", "/Patient/1", "GET, HEAD, PUT"),
        ("PUT", "/Organization/1", "GET, HEAD"),
        ("DELETE", "/Patient", "GET, HEAD, POST, PUT"),
        ("POST", "/Location", "GET, HEAD"),
        ("GET", "/Patient/_search", "POST"),
        ("PUT", "/Patient/1/_history/1", "GET, HEAD"),
        ("GET", "", "POST"),
    ]:
        answer = hospital.ask(method, path)
        assert told(answer)[:2] == (405, "not-supported"), (method, path)
        assert answer.headers["Allow"] == allowed, (method, path)


def test_an_address_that_does_not_exist_is_told_so(hospital: Caller) -> None:
    for path in [
        "/Colour",
        "/Colour/1",
        "/Patient/1/colour",
        "/Patient/$everything",
        "/patient/1",
        "/Patient/_history",
        "/_history",
        "/Patient/" + "x" * 65,
    ]:
        assert told(hospital.get(path))[:2] == (404, "not-supported"), path


def test_a_head_request_gets_the_headers_alone(hospital: Caller) -> None:
    answer = hospital.ask("HEAD", "/Patient")

    assert (answer.status_code, answer.data) == (200, b"")


def test_a_failure_nobody_foresaw_says_nothing_but_the_request(
    door: Door, hospital: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("Canaryname")

    monkeypatch.setattr("exchange.web.fhir.shelves.documents.read", fail)

    answer = hospital.get("/Patient/1", X_Request_Id="request-12345")

    assert told(answer) == (500, "exception", "Something failed here; tell the operator this request: request-12345.")


# ---- what is answered in which form


def test_json_is_answered_by_the_name_that_was_asked_for(hospital: Caller) -> None:
    for accept, media_type in [
        ("", "application/fhir+json"),
        ("*/*", "application/fhir+json"),
        ("application/fhir+json", "application/fhir+json"),
        ("application/fhir+json; fhirVersion=4.0", "application/fhir+json"),
        ("application/json", "application/json"),
        ("application/json;q=0.5, application/fhir+json;q=0.9", "application/fhir+json"),
        ("application/fhir+xml, application/fhir+json;q=0.1", "application/fhir+json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/fhir+json"),
    ]:
        answer = hospital.get("/Patient", Accept=accept)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, f"{media_type}; charset=utf-8"), accept


def test_another_form_than_json_is_refused_in_json(hospital: Caller) -> None:
    for accept in [
        "application/fhir+xml",
        "text/html",
        "application/fhir+json; fhirVersion=3.0",
        "application/fhir+json;q=0",
        "application/fhir+json;q=much",
    ]:
        assert told(hospital.get("/Patient", Accept=accept))[:2] == (406, "not-supported"), accept


def test_the_form_in_the_address_goes_before_the_header(hospital: Caller) -> None:
    for asked, status in [
        ("json", 200),
        ("application/fhir+json", 200),
        ("application/json", 200),
        ("xml", 406),
        ("application/fhir%2Bxml", 406),
    ]:
        answer = hospital.get(f"/Patient?_format={asked}", Accept="application/fhir+xml")
        assert answer.status_code == status, asked


# ---- the statement


def test_the_statement_is_for_everybody_and_says_what_the_routes_do(door: Door) -> None:
    answer = door.app.test_client().get("/fhir/metadata")

    statement = json_of(answer)
    assert answer.status_code == 200
    promised = {
        (one["type"], interaction["code"])
        for one in statement["rest"][0]["resource"]
        for interaction in one["interaction"]
    }
    kept = {(kind.name, interaction.code) for kind, interaction in OFFERED}
    assert promised == kept
    assert {one["code"] for one in statement["rest"][0]["interaction"]} == {"batch", "transaction"}


def test_every_search_parameter_that_is_promised_is_understood(hospital: Caller) -> None:
    statement = json_of(hospital.get("/metadata"))
    values = {"token": "x", "reference": "Patient/x", "string": "x", "date": "2026", "uri": "http://x.example"}

    for one in statement["rest"][0]["resource"]:
        query = "&".join(f"{found['name']}={values[found['type']]}" for found in one["searchParam"])
        answer = hospital.get(f"/{one['type']}?{query}", Prefer="handling=strict")
        assert answer.status_code == 200, (one["type"], answer.data)


def test_every_include_that_is_promised_is_understood(hospital: Caller) -> None:
    statement = json_of(hospital.get("/metadata"))

    for one in statement["rest"][0]["resource"]:
        for include in one.get("searchInclude", []):
            answer = hospital.get(f"/{one['type']}?_include={include}", Prefer="handling=strict")
            assert answer.status_code == 200, (one["type"], include)


def test_the_version_of_the_statement_is_that_of_the_package() -> None:
    import tomllib
    from pathlib import Path

    from exchange.web.fhir.metadata import VERSION

    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == VERSION
