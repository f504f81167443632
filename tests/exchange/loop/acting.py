"""How the state machine acts: every act may crash in the middle, then comes again; every refusal is of the family."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy.orm import Session

from exchange.actions.directory.add_organization import Joining, add_organization
from exchange.domain.actor import Actor, ActorKind, Role
from exchange.domain.errors import ExchangeError
from exchange.work.channels.parcel import NeverAgain, Parcel, TryAgain
from tests.exchange.conftest import OPERATOR, House
from tests.exchange.loop.crashes import STEPS, Crash, Point, crashing
from tests.exchange.loop.expected import One, goes_out, is_given
from tests.exchange.rows import AUDIT, digest
from tests.exchange.web.fhir.conftest import Caller, Door, Json

#  a network with two hospitals, of which one needs consent, three agencies, and a stranger
JOIN: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("network", "network", {"email": "network@example.invalid"}),
    ("hospital", "hospital", {"email": "hospital@example.invalid", "network_id": "network"}),
    ("clinic", "hospital", {"email": "c@example.invalid", "network_id": "network", "consent_rule": "required"}),
    ("pantry", "agency", {"email": "pantry@example.invalid"}),
    ("shelter", "agency", {"email": "shelter@example.invalid"}),
    ("phoned", "agency", {"phone": "217-555-0110"}),
    ("other", "hospital", {"email": "other@example.invalid"}),
)
ORGANIZATIONS = tuple(label for label, _kind, _said in JOIN)
SENDERS = st.sampled_from(("hospital", "clinic"))
RECEIVERS = st.sampled_from(("pantry", "shelter", "phoned", None))
#  now and then an act crashes before it is done, and is done again
CRASHES = st.one_of(
    st.none(), st.none(), st.builds(Point, st.integers(0, len(STEPS) - 1), st.integers(1, 3), st.booleans())
)
Refusal = type[ExchangeError]


class Post:
    """A channel that delivers, fails for now, fails for ever, or breaks; it keeps what it was given."""

    def __init__(self) -> None:
        self.mood = "delivers"
        self.parcels: list[Parcel] = []

    def __call__(self, parcel: Parcel, _now: Any) -> None:
        self.parcels.append(parcel)
        match self.mood:
            case "is busy":
                raise TryAgain("busy")
            case "refuses":
                raise NeverAgain("no such address")
            case "breaks":
                raise RuntimeError("the channel broke")


class Acting(RuleBasedStateMachine):
    """A house of its own per run, in a database that all runs share; `model` has a dictionary for each referral."""

    def __init__(self, house: House, app: Flask, tally: Counter[str]) -> None:
        super().__init__()
        self.house, self.tally = House(house.database, house.clock), tally
        self.model: dict[str, One] = {}
        self.consents: dict[str, list[dict[str, Any]]] = {}
        self.keys: dict[str, dict[str, Any]] = {}
        self.door, self.post = Door(self.house, app), Post()
        tally["runs"] += 1
        with house.database.write() as session:
            for label, kind, said in JOIN:
                network = {"network_id": self.house.ids["network"]} if "network_id" in said else {}
                joining = Joining(label.capitalize(), kind, **(said | network))
                self.house.ids[label] = add_organization(session, OPERATOR, joining)

    def actor(self, who: str, one: One | None = None, referral_id: str | None = None, *, way: str = "portal") -> Actor:
        """Return somebody who acts: at the portal, by program, by link, or for an agency that was phoned."""
        if who == "by phone":
            return self.house.person("network", Role.COORDINATOR, source="phone")
        if way == "link":
            return Actor(ActorKind.LINK, self.house.ids[who], None, "by link", referral_id=referral_id, source="link")
        return self.house.client(who) if way == "program" else self.house.person(who)

    def act(
        self,
        act: Callable[[Session], Any],
        refusal: Refusal | None = None,
        crash: Point | None = None,
    ) -> Any:
        """Do something in one transaction and return what it returned, None when it was refused as expected.

        With `crash` it dies there first, and nothing of it may be seen; then it is done again, whole.
        """
        self.tally["acts"] += 1
        if crash is not None:
            self._crash(act, crash)
        came: Any = None
        result: Any = None
        try:
            with self.house.database.write() as session:
                result = act(session)
        except ExchangeError as refused:
            came = refused
        said = f"{type(came).__name__} ({came.sentence})" if came else "done"
        assert (type(came) if came else None) is refusal, f"{said}, where {refusal and refusal.__name__} was to be said"
        self.tally["refused"] += came is not None
        return None if came else result

    def _crash(self, act: Callable[[Session], Any], at: Point) -> None:
        before = digest(self.house.database)
        try:
            with crashing(at), self.house.database.write() as session:
                act(session)
                raise Crash  # the step was not met so often: it dies just before the commit
        except Crash:
            self.tally["crashes"] += 1
        except ExchangeError:
            pass  # refused before it came so far
        assert digest(self.house.database) == before, f"something of a crash is left: {at!r}"

    def crash_at_the_door(self, caller: Caller, task: Json, key: str, at: Point) -> None:
        """Let the web process fail in the middle of a request; the failure is audited, and nothing else is left."""
        before = digest(self.house.database, but=AUDIT)
        with crashing(at):
            answer = caller.post("/Task", task, Idempotency_Key=key)
        if answer.status_code == 500:
            self.tally["crashes"] += 1
            assert digest(self.house.database, but=AUDIT) == before, f"something of a crash is left: {at!r}"

    # the model

    def _said(self, consent: str | None, receiver: str | None) -> dict[str, Any] | None:
        if consent is None:
            return None
        named = {"covers": {receiver} if receiver else None, "for another": {"other"}, "denies": None}[consent]
        return {"recipients": named, "denies": consent == "denies", "active": True}

    def _of_identifier(self, sender: str, identifier: str | None) -> str | None:
        same = (sender, identifier)
        found: Sequence[str] = [
            key for key, one in self.model.items() if identifier and (one["sender"], one["identifier"]) == same
        ]
        return found[0] if found else None

    def _born(
        self, referral_id: str, sender: str, receiver: str | None, found: dict[str, str], status: str,
        identifier: str | None,
    ) -> str:  # fmt: skip
        one: One = {
            "sender": sender, "receiver": receiver, "status": status, "stage": None, "next": "sender", "version": 1,
            "patient": found["patient"].partition("/")[2], "request": found["request"], "identifier": identifier,
            "released": set(), "reads_until": None, "has_output": False,
        }  # fmt: skip
        if status == "requested":
            goes_out(one, is_given=is_given(self.consents[found["request"]], sender, receiver))
        self.model[referral_id] = one
        return referral_id
