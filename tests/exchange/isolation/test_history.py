"""History shows what was current while it was released, and nothing of the time between two releases."""

from exchange.work.housekeeping import keep_house
from tests.exchange.isolation.canaries import canary
from tests.exchange.isolation.world import World
from tests.exchange.web.fhir.conftest import Json, json_of


def versions(world: World, label: str, address: str) -> list[Json]:
    """Return the versions of a document that a tenant is shown, oldest first."""
    entries = json_of(world.callers[label].get(f"/{address}/_history"))["entry"]
    return [one["resource"] for one in reversed(entries)]


def numbers(found: list[Json]) -> list[str]:
    return [one["meta"]["versionId"] for one in found]


def test_what_was_written_while_a_consent_was_withdrawn_is_not_told_when_it_comes_back(changing_world: World) -> None:
    world = changing_world
    clinic, task = world.writing("clinic"), world.kept["consent needed"]["Task"]
    consent = f"/Consent/{world.kept['consent needed']['Consent']}"
    given = json_of(clinic.caller.get(consent)) | {"status": "active"}
    given["provision"] = {"type": "permit", "actor": [{"role": {"text": "recipient"}, "reference": {
        "reference": f"Organization/{world.house.ids['pantry']}"}}]}  # fmt: skip
    assert clinic.caller.put(consent, given).status_code == 200
    before = versions(world, "pantry", f"Task/{task}")

    assert clinic.caller.put(consent, given | {"status": "inactive"}).status_code == 200
    withdrawn = numbers(versions(world, "clinic", f"Task/{task}"))[-1]
    secret = json_of(clinic.caller.get(f"/Task/{task}"))
    secret["note"] = [*secret["note"], {"text": "said while the consent was withdrawn"}]
    assert clinic.caller.put(f"/Task/{task}", secret).status_code == 200
    secret = json_of(clinic.caller.get(f"/Task/{task}")) | {"priority": "urgent"}
    assert clinic.caller.put(f"/Task/{task}", secret).status_code == 200
    assert clinic.caller.put(consent, given).status_code == 200

    after = versions(world, "pantry", f"Task/{task}")
    written = numbers(versions(world, "clinic", f"Task/{task}"))
    assert before != []
    assert len(written) >= int(withdrawn) + 3
    assert numbers(after) == written[-1:]
    for version in written[:-1]:
        assert world.callers["pantry"].get(f"/Task/{task}/_history/{version}").status_code == 404


def test_the_preview_of_before_a_claim_is_not_told_in_whole_afterwards(changing_world: World) -> None:
    world = changing_world
    hospital, network = world.writing("hospital"), world.callers["network"]
    task = world.kept["preview"]["Task"]
    hospital.move(task, "requested", priority="urgent")
    claim = json_of(network.get(f"/Task/{task}")) | {
        "status": "accepted", "owner": {"reference": f"Organization/{network.organization_id}"},
    }  # fmt: skip

    assert network.put(f"/Task/{task}", claim).status_code == 200

    shown = versions(world, "network", f"Task/{task}")
    assert numbers(shown) == ["3"]
    assert canary("hospital") in str(shown)


def test_a_referral_after_the_last_day_of_another_shows_nothing_of_the_time_between(changing_world: World) -> None:
    """The first release has lapsed and is not swept yet when the second one begins."""
    world = changing_world
    hospital, ids = world.writing("hospital"), dict(world.kept["lapsed"])
    patient = f"/Patient/{ids['Patient']}"
    for gender in ("male", "other"):
        assert (
            hospital.caller.put(patient, json_of(hospital.caller.get(patient)) | {"gender": gender}).status_code == 200
        )
    assert world.callers["pantry"].get(patient).status_code == 404

    hospital.caller.create(hospital.referral(ids, "pantry"))
    keep_house(world.house.database)

    assert [one["gender"] for one in versions(world, "pantry", f"Patient/{ids['Patient']}")] == ["other"]
