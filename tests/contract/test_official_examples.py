"""The official SDOHCC 3.0.0 examples go in, are driven to their states, and come out as they went in.

No example of a referral is `requested`: each is sent so, without output, and its receiver drives it over HTTP. The
same is done to a small collection of our own, which never is absent.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contract.backend_client import BackendClient, Json, address
from tests.contract.examples import READ_ONLY, Party, Play, documents_of, is_referral, references_in, told
from tests.contract.live_exchange import LiveExchange, live_exchange

OWN = Path(__file__).parents[1] / "data" / "fhir"
DIRECTORY = Path(__file__).parents[1] / "data" / "directory" / "hsds_json"
OFFICIAL = Path(__file__).parents[3] / "shared" / "data" / "sdohcc" / "examples"
COLLECTIONS = {"ours": (OWN, OWN / "examples_twin"), "official": (OFFICIAL,)}
ABSENT = pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the official SDOHCC examples are not here")
WRITER = {"ours": "Organization/org-hospital", "official": "Organization/SDOHCC-OrganizationClinicExample"}


def each(wanted: Callable[[Json], bool]) -> list:
    """Return a parameter for each document of both collections that is wanted; one that skips where there is none."""
    named = []
    for name, folders in COLLECTIONS.items():
        found = [one for one in documents_of(*folders) if wanted(documents_of(*folders)[one])] or ["absent"]
        marks = [ABSENT] if name == "official" else []
        named += [pytest.param(name, one, id=f"{name}-{one.replace('/', '-')}", marks=marks) for one in found]
    return named


@pytest.mark.parametrize(("collection", "reference"), each(is_referral))
def test_a_referral_is_driven_to_its_state_and_kept_as_it_was_sent(
    collection: str, reference: str, play_of: Callable[[str], Play]
) -> None:
    play = play_of(collection)
    task = play.documents[reference]
    sender, receiver = (play.party_of(task[role]["reference"]) for role in ("requester", "owner"))

    seen = sender.program.read(play.task(reference))

    assert told(seen) == told(task)
    assert sorted(references_in(seen)) == play.named[address(seen)]
    assert receiver.program.read(address(seen)) == seen


@pytest.mark.parametrize(("collection", "reference"), each(lambda one: is_referral(one) and "output" in one))
def test_what_the_receiver_did_reaches_the_sender_as_it_was_written(
    collection: str, reference: str, play_of: Callable[[str], Play]
) -> None:
    play = play_of(collection)
    task = play.documents[reference]
    sender = play.party_of(task["requester"]["reference"])

    outputs = sender.program.read(play.task(reference))["output"]

    for original, shown in zip(references_in(task["output"]), references_in(outputs), strict=True):
        assert told(sender.program.read(shown)) == told(play.documents[original])
        assert sorted(references_in(sender.program.read(shown))) == play.named[shown]


@pytest.mark.parametrize(
    ("collection", "reference"), each(lambda one: one["resourceType"] == "Task" and not is_referral(one))
)
def test_a_task_for_the_patient_is_driven_to_its_state_by_its_writer(
    collection: str, reference: str, play_of: Callable[[str], Play]
) -> None:
    play = play_of(collection)
    writer = play.party_of(play.documents[reference]["requester"]["reference"])

    seen = writer.program.read(play.task(reference))

    assert told(seen) == told(play.documents[reference])
    assert sorted(references_in(seen)) == play.named[address(seen)]


@pytest.mark.parametrize(("collection", "reference"), each(lambda one: one["resourceType"] not in READ_ONLY | {"Task"}))
def test_any_other_document_is_kept_as_it_was_sent(
    collection: str, reference: str, play_of: Callable[[str], Play]
) -> None:
    play = play_of(collection)
    writer = play.parties[WRITER[collection]]

    seen = writer.program.read(play.ours(writer, reference))

    assert told(seen) == told(play.documents[reference])
    assert sorted(references_in(seen)) == play.named[address(seen)]


@pytest.mark.parametrize("collection", ["ours", pytest.param("official", marks=ABSENT)])
def test_an_organization_is_kept_for_its_sender_when_a_bundle_brings_it(
    collection: str, play_of: Callable[[str], Play]
) -> None:
    play = play_of(collection)
    sent = [one for one in play.documents.values() if one["resourceType"] == "Organization"]
    writer, other = play.parties[WRITER[collection]].program, play.provider.program
    entries = [
        {
            "fullUrl": f"urn:uuid:6f1d2c3b-0000-4000-8000-{number:012}",
            "resource": {name: value for name, value in one.items() if name != "id"},
            "request": {"method": "POST", "url": "Organization"},
        }
        for number, one in enumerate(sent)
    ]

    answer = writer.ask("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})

    assert answer.status_code == 200, answer.text
    kept = [entry["response"]["location"].partition("/_history")[0] for entry in answer.json()["entry"]]
    assert [told(writer.read(one)) for one in kept] == [told(one) for one in sent]
    assert {other.ask("GET", one).status_code for one in kept} == {404}


@pytest.mark.parametrize(("collection", "reference"), each(lambda one: one["resourceType"] in READ_ONLY))
def test_what_clients_only_read_is_refused_with_what_is_possible(
    collection: str, reference: str, play_of: Callable[[str], Play]
) -> None:
    play = play_of(collection)
    writer = play.parties[WRITER[collection]].program

    answer = writer.ask("POST", reference.partition("/")[0], play.documents[reference])

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"
    assert answer.json()["issue"][0]["code"] == "not-supported"


@pytest.fixture(scope="module")
def play_of(
    migrated: str, tmp_path_factory: pytest.TempPathFactory, program_on: Callable[..., BackendClient]
) -> Iterator[Callable[[str], Play]]:
    """Return a collection on an exchange of its own, its organisations joined and their programs signed in."""
    with live_exchange(migrated, tmp_path_factory.mktemp("examples")) as exchange:
        exchange.read_directory(DIRECTORY)
        plays: dict[str, Play] = {}

        def play(collection: str) -> Play:
            if collection not in plays:
                plays[collection] = _play(collection, exchange, program_on)
            return plays[collection]

        yield play


def _play(collection: str, exchange: LiveExchange, program_on: Callable[..., BackendClient]) -> Play:
    documents = documents_of(*COLLECTIONS[collection])
    named = {one for document in documents.values() for one in references_in(document)} | set(documents)
    parties = {one: _party(exchange, one, program_on) for one in sorted(named) if one.startswith("Organization/")}
    asking = parties[WRITER[collection]].program
    service = asking.read("HealthcareService?name=Night")["entry"][0]["resource"]
    place = service["location"][0]["reference"]
    listed = {one: address(service) for one in named if one.startswith("HealthcareService/")}
    listed |= {one: place for one in named if one.startswith("Location/")}
    provider_id = service["providedBy"]["reference"].partition("/")[2]
    label = "provider of the service"
    if label not in exchange.ids:
        exchange.join(label, "agency", directory_id=provider_id)
    return Play(documents, parties, listed, Party(program_on(exchange, label).sign_in()))


def _party(exchange: LiveExchange, reference: str, program_on: Callable[..., BackendClient]) -> Party:
    exchange.join(reference, "agency", email="party@example.invalid")
    return Party(program_on(exchange, reference).sign_in())
