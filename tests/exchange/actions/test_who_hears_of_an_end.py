"""A referral that ends, is held back or comes back: who sees it and who is told (tests/exchange/loop found it)."""

from typing import Any

import pytest

from exchange.db.organization import OrganizationRow
from exchange.domain.actor import Role
from exchange.domain.errors import NotFound
from fhir_mapping.case_data.referral import ReferralStatus, Side, Stage
from tests.exchange.actions.parties import answer, page, seen, told
from tests.exchange.loop.papers import a_task, basis, edit, keep
from tests.exchange.rows import rows


def held_back(house: Any) -> Any:
    """A referral that waits for a consent: its receiver has not seen it."""
    with house.database.write() as session:
        session.get_one(OrganizationRow, house.ids["hospital"]).consent_rule = "required"
    return house.send(consent="attested")


def change_consent(house: Any, sent: Any, **changes: Any) -> None:
    with house.database.write() as session:
        edit(session, house.client("hospital"), f"Consent/{sent.referral.consent_id}", **changes)


def test_what_was_never_released_stays_unknown_when_it_is_cancelled(house: Any) -> None:
    sent = held_back(house)

    answer(house, house.person("hospital"), sent, "cancel")

    for who in (
        house.person("pantry"),
        house.person("network", Role.COORDINATOR),
        house.person("network", Role.COORDINATOR, source="phone"),
    ):
        with pytest.raises(NotFound, match="no such referral"):
            page(house, who, sent)
    assert page(house, house.person("hospital"), sent).referral.status is ReferralStatus.CANCELLED


def test_a_draft_that_is_retracted_was_never_known_to_its_receiver(house: Any) -> None:
    with house.database.write() as session:
        found = basis(session, house, "hospital", None)
        task = a_task(house, "hospital", "pantry", found, status="draft")
        task_id = keep(session, house.client("hospital"), task).partition("/")[2]
    sent: Any = type("Sent", (), {"referral": type("Row", (), {"id": task_id})})

    answer(house, house.person("hospital"), sent, "retract")

    with pytest.raises(NotFound, match="no such referral"):
        page(house, house.person("pantry"), sent)
    assert told(house) == []


def test_an_open_referral_that_is_cancelled_leaves_the_network_nothing(house: Any) -> None:
    sent = house.send(None)
    assert page(house, house.person("network", Role.COORDINATOR), sent).is_preview

    answer(house, house.person("hospital"), sent, "cancel")

    with pytest.raises(NotFound, match="no such referral"):
        page(house, house.person("network", Role.COORDINATOR), sent)


def test_nobody_is_told_that_something_was_withdrawn_which_it_never_saw(house: Any) -> None:
    sent = held_back(house)

    answer(house, house.person("hospital"), sent, "cancel")

    assert told(house) == []


def test_a_rejected_referral_that_is_retracted_leaves_its_task_without_the_person(house: Any) -> None:
    sent = house.send()
    answer(house, house.person("pantry"), sent, "reject")

    answer(house, house.person("hospital"), sent, "retract")

    task = seen(house, "pantry", "Task", sent.referral.id)
    assert (task.is_reduced, b"entered-in-error" in task.body) == (True, True)
    assert seen(house, "pantry", "Patient", sent.referral.patient_id) is None
    assert ("referral.withdrawn", "pantry@example.invalid") in told(house)


def test_a_consent_that_comes_back_does_not_announce_a_new_referral_to_who_has_accepted(house: Any) -> None:
    house.join("phoned", kind="agency", phone="217-555-0110")
    with house.database.write() as session:
        session.get_one(OrganizationRow, house.ids["hospital"]).consent_rule = "required"
    sent = house.send("phoned", consent="written")
    answer(house, house.person("phoned"), sent, "accept")
    change_consent(house, sent, status="inactive")
    before = len(rows(house.database)["outbox_message"])

    change_consent(house, sent, status="active")

    after = page(house, house.person("phoned"), sent).referral
    assert (after.status, after.stage, after.next_step) == (ReferralStatus.ACCEPTED, None, Side.RECEIVER)
    assert (after.stage is Stage.MUST_BE_PHONED, len(rows(house.database)["outbox_message"])) == (False, before)
