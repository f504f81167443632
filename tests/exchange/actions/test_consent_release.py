"""Consent acts: what needs one waits for it, what loses one is taken back, a denial refuses."""

from typing import Any

import pytest

from exchange.actions.documents.check_document import check_document
from exchange.actions.documents.update_document import update_document
from exchange.db.organization import OrganizationRow
from exchange.domain.actor import Role
from exchange.domain.errors import NotFound, Unprocessable
from fhir_mapping.case_data.referral import Side, Stage
from fhir_mapping.json_text import parse
from fhir_mapping.resources.consent import new_consent
from fhir_mapping.resources.task import new_referral_task
from tests.exchange.actions.parties import answer, page, seen, told


def require_consent(house: Any) -> None:
    with house.database.write() as session:
        session.get_one(OrganizationRow, house.ids["hospital"]).consent_rule = "required"


def test_where_consent_is_required_a_referral_without_it_is_stored_and_not_released(house: Any) -> None:
    require_consent(house)

    sent = house.send(consent="attested")

    assert (sent.referral.stage, sent.referral.next_step) == (Stage.CONSENT_NEEDED, Side.SENDER)
    assert any("not released" in issue.sentence for issue in sent.issues)
    assert seen(house, "pantry", "Task", sent.referral.id) is None
    with pytest.raises(NotFound):
        page(house, house.person("pantry"), sent)
    assert told(house) == []


def test_a_consent_that_comes_later_lets_the_referral_go(house: Any) -> None:
    require_consent(house)
    sent = house.send(consent="attested")
    consent = house.keep(
        house.client("hospital"),
        new_consent(
            patient=f"Patient/{sent.referral.patient_id}", organization=f"Organization/{house.ids['hospital']}",
            given_at=house.clock(), how="Signed", recipients=[f"Organization/{house.ids['pantry']}"],
        ),
    )  # fmt: skip
    order = parse(seen(house, "hospital", "ServiceRequest", sent.referral.service_request_id).body)
    order["supportingInfo"] = [{"reference": consent}]

    with house.database.write() as session:
        update_document(
            session, house.client("hospital"), "ServiceRequest", order["id"], check_document(order), if_match=1
        )

    shown = page(house, house.person("pantry"), sent)
    assert (shown.referral.stage, shown.person.name) == (None, "Zoelle Canaryname")
    assert ("referral.requested", "pantry@example.invalid") in told(house)


def test_a_consent_that_is_withdrawn_takes_the_person_away_at_once(house: Any) -> None:
    require_consent(house)
    sent = house.send(consent="written")
    assert page(house, house.person("pantry"), sent).person is not None
    consent = parse(seen(house, "hospital", "Consent", sent.referral.consent_id).body) | {"status": "inactive"}

    with house.database.write() as session:
        update_document(
            session, house.client("hospital"), "Consent", consent["id"], check_document(consent), if_match=1
        )

    assert seen(house, "pantry", "Patient", sent.referral.patient_id) is None
    assert page(house, house.person("hospital"), sent).referral.stage is Stage.CONSENT_NEEDED


def test_who_a_consent_excludes_cannot_claim_the_open_referral(house: Any) -> None:
    sent, coordinator = house.send(None), house.person("network", Role.COORDINATOR)
    consent = parse(seen(house, "hospital", "Consent", sent.referral.consent_id).body)
    network = {"reference": f"Organization/{house.ids['network']}"}
    consent["provision"]["provision"] = [
        {"type": "deny", "actor": [{"role": {"text": "recipient"}, "reference": network}]}
    ]
    with house.database.write() as session:
        update_document(
            session, house.client("hospital"), "Consent", consent["id"], check_document(consent), if_match=1
        )

    with pytest.raises(Unprocessable, match="Consent denies"):
        answer(house, coordinator, sent, "claim")

    assert seen(house, "network", "Patient", sent.referral.patient_id) is None


def test_a_consent_that_denies_refuses_the_referral(house: Any) -> None:
    patient = house.keep(
        house.client("hospital"), {"resourceType": "Patient", "gender": "unknown", "name": [{"family": "No"}]}
    )
    own = f"Organization/{house.ids['hospital']}"
    denial = new_consent(patient=patient, organization=own, given_at=house.clock(), how="Signed")
    denial["provision"]["type"] = "deny"
    consent = house.keep(house.client("hospital"), denial)
    from fhir_mapping.resources.service_request import new_service_request

    order = house.keep(
        house.client("hospital"),
        new_service_request(
            need="food-insecurity", requested="x", patient=patient, requester=own, authored_on=house.clock(),
            supporting_info=[consent],
        ),
    )  # fmt: skip
    task = new_referral_task(
        service_request=order, patient=patient, requester=own, authored_on=house.clock(),
        owner=f"Organization/{house.ids['pantry']}",
    )  # fmt: skip

    with pytest.raises(Unprocessable, match="Consent denies"):
        house.keep(house.client("hospital"), task)
