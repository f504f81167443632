"""How a test acts on a referral and looks at it."""

from typing import Any

from exchange.actions.referrals.answer_referral import answer_referral
from exchange.actions.referrals.open_referral import open_referral
from exchange.actions.referrals.send_referral import Sent
from exchange.db import document, outbox


def answer(house: Any, actor: Any, sent: Sent, verb: str, **more: Any) -> Any:
    with house.database.write() as session:
        return answer_referral(session, actor, sent.referral.id, verb, **more)


def page(house: Any, actor: Any, sent: Sent) -> Any:
    with house.database.read() as session:
        return open_referral(session, actor, sent.referral.id)


def seen(house: Any, organization: str, kind: str, document_id: str) -> Any:
    with house.database.read() as session:
        return document.read(session, kind, document_id, viewer_id=house.ids[organization])


def told(house: Any) -> list[tuple[str, str]]:
    with house.database.read() as session:
        return [(row.kind, row.destination) for row in outbox.messages(session)]
