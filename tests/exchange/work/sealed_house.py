"""A house whose keys are in files, with something in every sealed column, and all that anybody can read of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from exchange.db import audit, document, referral, webhook
from exchange.db.document import visible_document
from exchange.db.repeat import FirstAnswer, first_answer, keep_answer
from exchange.db.sealing import load_key_ring, ring_path
from exchange.db.session import Database
from exchange.domain.actor import SYSTEM
from fhir_mapping.case_data.referral import Reason
from tests.exchange.actions.parties import answer

#  what stands in no log, no mail and no metric: the person of `conftest.CANARY`, and what these tests write
CANARIES = (
    "Canaryname", "Zoelle", "555-0143", "5550143", "1980-01-02", "62701", "Canarynote", "Canaryreply", "Canaryreason",
    "Canarysecret", "Canaryanswer",
)  # fmt: skip


@dataclass(frozen=True)
class KeyFiles:
    """Where the secret and the ring of a house are."""

    secret: Path

    @property
    def ring(self) -> Path:
        return ring_path(self.secret)

    def open_again(self, house: Any) -> Database:
        """Return the same database as another process sees it, with a ring of its own."""
        url = house.database.url.render_as_string(hide_password=False)
        return Database(url, keys=load_key_ring(self.secret), clock=house.clock)


def fill(house: Any, referrals: int = 2, *, with_queries: bool = True) -> None:
    """Put something into every sealed column: documents and their versions, reasons, a secret, an answer, a search."""
    for _each in range(referrals):
        sent = house.send(note="Canarynote call in the morning")
        answer(house, house.person("pantry"), sent, "reject", reason=Reason("no-capacity", "Canaryreason full"))
    with house.database.write() as session:
        webhook.add_webhook(session, house.ids["hospital"], "https://hook.example/x", "whsec_Canarysecret")
        kept = FirstAnswer("hash", 201, None, None, b"Canaryanswer")
        keep_answer(session, house.ids["hospital"], "key-1", kept, house.clock())
        entry = audit.AuditEntry(
            at=house.clock(), action="E", interaction="search-type", outcome="0", actor_kind="client", actor_name="EHR",
            organization_id=house.ids["hospital"], type="Patient",
            query="family=Canaryname" if with_queries else None,
        )  # fmt: skip
        audit.write(session, [entry])
        audit.seal(session, house.clock())


def everything_read(house: Any, database: Database) -> dict[str, Any]:
    """Return what each viewer reads through a database, and the state of the audit: the same before and after."""
    with database.read() as session:
        seen = session.execute(select(visible_document).order_by(visible_document.c.viewer_id)).all()
        return {
            "documents": [
                (row.viewer_id, one)
                for row in seen
                for one in document.history(session, row.type, row.document_id, viewer_id=row.viewer_id)
            ],
            "reasons": [one.reason for one in referral.all_referrals(session)],
            "sent": [one.id for one in referral.sent(session, house.person("hospital"), ended=True)],
            "found": [referral.find(session, one.id, visible_to=SYSTEM) for one in referral.all_referrals(session)],
            "secrets": [
                webhook.webhook_with_secret(session, row.id)[1]  # type: ignore[index]  # they are all on
                for row in webhook.webhooks_of(session, house.ids["hospital"])
            ],
            "answer": first_answer(session, house.ids["hospital"], "key-1", house.clock()),
            "queries": [
                audit.query_of(session, row)
                for row in session.execute(select(audit.audit_event).where(audit.audit_event.c.query.is_not(None)))
            ],
            "audit": audit.verify(session).broken,
        }
