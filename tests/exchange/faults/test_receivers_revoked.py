"""Between queueing and sending the right to tell ends: nothing is told (security review T23, figure 38)."""

from datetime import timedelta
from typing import Any

import pytest

from exchange.actions.documents.check_document import check_document
from exchange.actions.documents.update_document import update_document
from exchange.db import release
from exchange.db.organization import OrganizationRow
from exchange.db.outbox import DROPPED, SENT
from exchange.db.webhook import add_webhook
from exchange.work.channels.parcel import TryAgain
from exchange.work.relay import Relay
from fhir_mapping.case_data.referral import Reason
from fhir_mapping.json_text import parse
from tests.exchange.actions.parties import answer, seen
from tests.exchange.faults.virtual_time import BASE_URL, Sink, outbox_rows, run_until
from tests.reliability import Reached, sizes


@pytest.mark.invariant(
    "nothing-told-after-consent-ends",
    "A referral whose consent, release or request ends between queueing and sending is told to its receiver by no way.",
)
@pytest.mark.parametrize("rounds", sizes(20, 500))
def test_what_ends_between_queueing_and_sending_is_not_told(rounds: int, house: Any, reached: Reached) -> None:
    mail, hook, ended = Sink(), Sink(), set[str]()
    with house.database.write() as session:
        session.get_one(OrganizationRow, house.ids["hospital"]).consent_rule = "required"
        add_webhook(session, house.ids["pantry"], "https://pantry.example/hook", "whsec_" + "A" * 32)
    relay = Relay(house.database, {"email": mail, "webhook": hook}, BASE_URL, jitter=lambda: 0.0)

    for number in range(rounds):
        sent = house.send(consent="written")
        if number % 2:
            #  every second one has failed once and waits for its next try when the right ends
            mail.fails = hook.fails = lambda _parcel, _now: TryAgain("The receiver answered 503.")
            relay.run()
            mail.fails = hook.fails = lambda _parcel, _now: None
        ENDINGS[number % 3](house, sent)
        ended.add(sent.referral.id)
    told = house.send(consent="written").referral.id
    run_until(house.database, house.clock, relay, house.clock() + timedelta(days=30))

    asked = [row for row in outbox_rows(house.database) if row.kind in ("referral.requested", "referral.reminder")]
    assert {row.state for row in asked if row.referral_id in ended} == {DROPPED}
    assert len({row.referral_id for row in asked if row.state == DROPPED}) == rounds
    assert {row.state for row in asked if row.referral_id == told} == {SENT}
    by_referral = {row.id: row.referral_id for row in asked}
    released = {by_referral.get(parcel.message_id) for sink in (mail, hook) for _at, parcel in sink.taken} - {None}
    assert released == {told}
    reached(revoked=rounds, told=len(released & ended), dropped=rounds)


def revoke_consent(house: Any, sent: Any) -> None:
    consent = parse(seen(house, "hospital", "Consent", sent.referral.consent_id).body) | {"status": "inactive"}
    with house.database.write() as session:
        update_document(
            session, house.client("hospital"), "Consent", consent["id"], check_document(consent), if_match=1
        )


def end_release(house: Any, sent: Any) -> None:
    with house.database.write() as session:
        release.end_releases(session, sent.referral.id, house.ids["pantry"], house.clock())


def cancel(house: Any, sent: Any) -> None:
    answer(house, house.person("hospital"), sent, "cancel", reason=Reason("other", "not needed"))


ENDINGS = (revoke_consent, end_release, cancel)
