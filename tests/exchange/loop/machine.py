"""The loop as a state machine: whatever anybody may do to a referral, in any order, with crashes and repeats."""

from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, invariant, multiple, precondition, rule
from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.actions.documents.check_document import check_document
from exchange.actions.documents.create_document import create_document
from exchange.actions.referrals.answer_referral import answer_referral
from exchange.actions.referrals.send_on import send_on
from exchange.actions.referrals.tell_news import tell_news
from exchange.db import audit
from exchange.db.outbox import PARKED, MessageRow
from exchange.db.referral import ReferralRow
from exchange.domain.errors import Conflict, Forbidden, IllegalTransition, NotFound, StaleVersion, Unprocessable
from exchange.work.audit_sealer import seal_audit
from exchange.work.deadlines import wind_clocks
from exchange.work.housekeeping import keep_house
from exchange.work.relay import Relay
from fhir_mapping.case_data.referral import Stage
from tests.exchange.loop import standing
from tests.exchange.loop.acting import CRASHES, ORGANIZATIONS, RECEIVERS, SENDERS, Acting, Refusal
from tests.exchange.loop.crashes import Point
from tests.exchange.loop.expected import (
    AT_WORK,
    DIAGRAM,
    NO_LINK,
    OPEN,
    VERBS,
    One,
    denies,
    goes_out,
    handed_back,
    is_given,
    is_held,
    may_open,
    moved,
    reads,
    refusal_of_move,
    sides,
    verb_of_put,
)  # fmt: skip
from tests.exchange.loop.papers import (
    OUTCOME,
    SYSTEM,
    a_consent,
    a_task,
    as_read_by,
    basis,
    edit,
    identified,
    keep,
    put_task,
)  # fmt: skip
from tests.exchange.rows import take_all_out
from tests.exchange.web.fhir.conftest import json_of, told

TELLS_OF_IT = ("referral.requested", "referral.open", "referral.reminder")
WHO = st.sampled_from((*ORGANIZATIONS, "by phone"))
STATUSES = st.sampled_from(sorted(DIAGRAM))
CONSENTS = st.sampled_from((None, None, "covers", "for another", "denies"))


class Loop(Acting):
    """Submit, answer, forward, cancel, retry, crash."""

    referrals = Bundle("referrals")

    # sending

    @rule(
        target=referrals, sender=SENDERS, receiver=RECEIVERS, status=st.sampled_from(("requested", "draft")),
        consent=CONSENTS, identifier=st.sampled_from((None, None, "one", "two")), if_none_exist=st.booleans(),
        crash=CRASHES,
    )  # fmt: skip
    def submit(
        self, sender: str, receiver: str | None, status: str, consent: str | None, identifier: str | None,
        if_none_exist: bool, crash: Point | None,
    ) -> Any:  # fmt: skip
        said = self._said(consent, receiver)
        first = self._of_identifier(sender, identifier)
        condition = f"identifier={SYSTEM}|{identifier}" if identifier and if_none_exist else None
        refusal: Refusal | None = Conflict if first else None
        refusal = Unprocessable if said and said["denies"] and status == "requested" else refusal
        refusal = None if first and condition else refusal

        def send(session: Session) -> tuple[Any, dict[str, str]]:
            found = basis(session, self.house, sender, said)
            task = a_task(self.house, sender, receiver, found, status=status, **identified(identifier))
            actor = self.actor(sender, way="program")
            return create_document(session, actor, check_document(task), if_none_exist=condition), found

        done = self.act(send, refusal, crash)
        if done is None:
            return multiple()
        written, found = done
        assert written.is_new == (first is None)
        if first is not None:
            assert written.document.id == first
            return multiple()
        self.consents[found["request"]] = [said | {"address": found["consent"]}] if said else []
        return self._born(written.document.id, sender, receiver, found, status, identifier)

    @rule(target=referrals, key=st.sampled_from("kl"), words=st.sampled_from("ab"), crash=CRASHES)
    def submit_by_key(self, key: str, words: str, crash: Point | None) -> Any:
        """A program that heard nothing sends the very same again, under the same Idempotency-Key."""
        caller, now = self.door.caller("hospital"), self.house.clock()
        if key not in self.keys:
            with self.house.database.write() as session:
                self.keys[key] = {"found": basis(session, self.house, "hospital", None), "until": now}
            self.consents[self.keys[key]["found"]["request"]] = []
        kept = self.keys[key]
        task = a_task(self.house, "hospital", "pantry", kept["found"], description=words)
        if crash is not None:
            self.crash_at_the_door(caller, task, key, crash)
        answer = caller.post("/Task", task, Idempotency_Key=key)
        is_repeat = now < kept["until"]
        self.tally["repeats by key"] += is_repeat
        if is_repeat and words != kept["words"]:
            assert told(answer)[:2] == (422, "duplicate")
            return multiple()
        assert answer.status_code == 201, answer.get_data(as_text=True)
        if is_repeat:
            assert json_of(answer)["id"] == kept["id"], "the same key gets the first answer"
            return multiple()
        kept |= {"until": now + timedelta(hours=24), "words": words, "id": json_of(answer)["id"]}
        return self._born(kept["id"], "hospital", "pantry", kept["found"], "requested", None)

    @rule(referral=referrals, crash=CRASHES, to=st.sampled_from(("pantry", "shelter", "phoned")), who=WHO,
          target=referrals)  # fmt: skip
    def forward(self, referral: str, to: str, who: str, crash: Point | None) -> Any:
        one = self.model[referral]
        consents = self.consents[one["request"]]
        refusal: Refusal | None = Unprocessable if denies(consents) else None
        refusal = IllegalTransition if one["status"] == "draft" else refusal
        refusal = Forbidden if who != one["sender"] else refusal
        refusal = refusal if may_open(one, who) else NotFound
        actor = self.actor(who)
        sent = self.act(lambda session: send_on(session, actor, referral, self.house.ids[to]), refusal, crash)
        if sent is None:
            return multiple()
        if one["status"] in OPEN:
            moved(one, "cancel", who, self.house.clock())
        found = {"patient": f"Patient/{one['patient']}", "request": one["request"]}
        return self._born(sent.referral.id, who, to, found, "requested", None)

    # answering

    @rule(
        referral=referrals, verb=st.sampled_from(VERBS), who=WHO, way=st.sampled_from(("portal", "program", "link")),
        has_output=st.booleans(), crash=CRASHES,
    )  # fmt: skip
    def anybody_answers(
        self, referral: str, verb: str, who: str, way: str, has_output: bool, crash: Point | None
    ) -> None:
        self._answer(referral, verb, who, way, has_output, crash)

    @rule(
        referral=referrals, choice=st.integers(0, 9), way=st.sampled_from(("portal", "program", "link")), crash=CRASHES
    )
    def the_right_one_answers(self, referral: str, choice: int, way: str, crash: Point | None) -> None:
        one = self.model[referral]
        verbs = sorted(set(DIAGRAM[one["status"]]) - {"retract"}) or ["retract"]
        verb = verbs[choice % len(verbs)]
        roles = DIAGRAM[one["status"]].get(verb, ("", "sender"))[1].split()
        parties = {"sender": one["sender"], "receiver": one["receiver"] or "network", "candidate": "network"}
        who = parties[roles[choice % len(roles)]]
        self._answer(referral, verb, who, way if who == one["receiver"] else "portal", True, crash)

    def _answer(self, referral: str, verb: str, who: str, way: str, has_output: bool, crash: Point | None) -> None:
        one = self.model[referral]
        way = "portal" if who == "by phone" or "receiver" not in sides(one, who) and way == "link" else way
        outcome = "Food was given" if has_output and verb == "complete" else None
        refusal = refusal_of_move(one, who, verb, has_output=outcome is not None)
        if refusal is not NotFound and way == "link" and verb in NO_LINK:
            refusal = Forbidden
        if refusal is None and verb == "send" and denies(self.consents[one["request"]]):
            refusal = Unprocessable
        actor = self.actor(who, one, referral, way=way)
        done = self.act(
            lambda session: answer_referral(session, actor, referral, verb, outcome=outcome), refusal, crash
        )
        if done is not None:
            self._moved(one, verb, who)

    @rule(
        referral=referrals, status=STATUSES, who=st.sampled_from(ORGANIZATIONS), is_stale=st.booleans(),
        has_output=st.booleans(), crash=CRASHES,
    )  # fmt: skip
    def put(self, referral: str, status: str, who: str, is_stale: bool, has_output: bool, crash: Point | None) -> None:
        one, now = self.model[referral], self.house.clock()
        verb = verb_of_put(one, status)
        with_output = has_output and status == "completed" and verb != "amend"
        with self.house.database.read() as session:
            body, is_reduced = as_read_by(session, self.house, who, referral)
        sees = {"nothing"} if body is None else reads(one, who, now) - {"nothing"}
        refusal = self._refusal_of_put(one, who, verb, sees, is_stale, with_output)
        body = {"resourceType": "Task", "id": referral, "intent": "order"} if body is None else body
        body |= {"status": status} | ({"output": OUTCOME} if with_output else {})
        if verb == "claim":
            body |= {"owner": {"reference": f"Organization/{self.house.ids[who]}"}}
        if_match = one["version"] - is_stale
        actor, is_short = self.actor(who, way="program"), is_reduced or sees == {"nothing"}
        before, task = deepcopy(one), body

        def write(session: Session) -> bool:
            put_task(session, actor, task, is_reduced=is_short, if_match=if_match)
            return True

        if self.act(write, refusal, crash) and verb not in ("amend", None):
            self._moved(one, str(verb), who)
        else:
            assert one == before

    def _refusal_of_put(
        self, one: One, who: str, verb: str | None, sees: set[str], is_stale: bool, has_output: bool
    ) -> Refusal | None:
        if sees == {"nothing"}:
            return NotFound
        if is_stale:
            return StaleVersion
        if not may_open(one, who):
            return NotFound
        if verb is None:
            return IllegalTransition
        if verb == "amend":
            return None
        if verb == "claim" and who != "network":
            return Forbidden
        if verb == "send" and who == one["sender"] and denies(self.consents[one["request"]]):
            return Unprocessable
        return refusal_of_move(one, who, verb, has_output=has_output)

    def _moved(self, one: One, verb: str, who: str) -> None:
        if verb == "send":
            one["version"] += 1
            goes_out(one, is_given=is_given(self.consents[one["request"]], one["sender"], one["receiver"]))
        else:
            moved(one, verb, who, self.house.clock())

    @rule(referral=referrals, who=WHO, stage=st.sampled_from((None, "waitlisted", "client-reached")), crash=CRASHES)
    def news(self, referral: str, who: str, stage: str | None, crash: Point | None) -> None:
        one = self.model[referral]
        found = sides(one, who)
        refusal: Refusal | None = None
        if stage is not None and stage != one["stage"] and "receiver" not in found:
            refusal = Forbidden
        refusal = refusal if one["status"] in OPEN else Unprocessable
        refusal = refusal if found else Forbidden
        refusal = refusal if may_open(one, who) else NotFound
        actor, said = self.actor(who), Stage(stage) if stage else None
        if self.act(lambda session: tell_news(session, actor, referral, stage=said, note="Zoelle called."), refusal,
                    crash) is None:  # fmt: skip
            return
        one["version"] += 1
        at_work = "receiver" in found and one["status"] in AT_WORK
        is_silent = one["stage"] in ("no-answer", "undeliverable")
        one["stage"] = stage or (None if at_work and is_silent else one["stage"])
        one["next"] = "receiver" if at_work else one["next"]

    # consent

    @rule(referral=referrals, crash=CRASHES)
    def consent_comes(self, referral: str, crash: Point | None) -> None:
        one = self.model[referral]
        said = self._said("covers", one["receiver"])
        assert said is not None
        others = [{"reference": consent["address"]} for consent in self.consents[one["request"]]]
        actor = self.actor(one["sender"], way="program")

        def give(session: Session) -> str:
            body = a_consent(self.house, one["sender"], f"Patient/{one['patient']}", said)
            address = keep(session, actor, body)
            edit(session, actor, one["request"], supportingInfo=[*others, {"reference": address}])
            return address

        address = self.act(give, None, crash)
        self.consents[one["request"]].append(said | {"address": address})
        self._reconsidered(one["request"])

    @precondition(lambda self: any(one["active"] for several in self.consents.values() for one in several))
    @rule(choice=st.integers(0, 9), crash=CRASHES)
    def consent_ends(self, choice: int, crash: Point | None) -> None:
        living = [(request, one) for request, several in self.consents.items() for one in several if one["active"]]
        request, consent = living[choice % len(living)]
        sender = next(one["sender"] for one in self.model.values() if one["request"] == request)
        actor = self.actor(sender, way="program")
        self.act(lambda session: edit(session, actor, consent["address"], status="inactive"), None, crash)
        consent["active"] = False
        self._reconsidered(request)

    def _reconsidered(self, request: str) -> None:
        for one in self.model.values():
            if one["request"] != request or one["status"] not in OPEN - {"draft"}:
                continue
            given = is_given(self.consents[request], one["sender"], one["receiver"])
            if not given and not is_held(one):
                handed_back(one, "consent-needed")
            elif given and is_held(one):
                one["version"] += 1
                status = one["status"]
                goes_out(one, is_given=True)
                one["status"] = status
                one["stage"] = one["stage"] if status == "requested" else None

    # time, and what is told

    @rule(hours=st.sampled_from((1, 30, 24 * 3, 24 * 8, 24 * 31, 24 * 95)))
    def time_passes(self, hours: int) -> None:
        now = self.house.clock.forward(hours=hours)
        self._clocks_strike(now)
        keep_house(self.house.database)

    def _clocks_strike(self, now: datetime) -> None:
        with self.house.database.read() as session:
            rows = list(session.scalars(select(ReferralRow).where(ReferralRow.due_at <= now)))
        for row in rows:
            one = self.model[row.id]
            handed_back(one, one["stage"] if one["next"] == "sender" else "no-answer")
        wind_clocks(self.house.database, "the clocks", struck=set())
        self.tally["struck"] += len(rows)

    @rule(mood=st.sampled_from(("delivers", "delivers", "is busy", "refuses", "breaks")))
    def relay_runs(self, mood: str) -> None:
        self.post.mood = mood
        Relay(self.house.database, {"email": self.post}, "https://exchange.invalid", jitter=lambda: 0.0).run()
        with self.house.database.read() as session:
            given_up = {
                row.referral_id
                for row in session.scalars(select(MessageRow).where(MessageRow.state == PARKED))
                if row.kind in TELLS_OF_IT
            }
            rows = {row.id: row for row in session.scalars(select(ReferralRow))}
        for referral_id, one in self.model.items():
            if rows[referral_id].version != one["version"]:
                assert referral_id in given_up, "only what nobody could be told of is handed back"
                assert one["status"] == "requested"
                assert one["next"] != "sender"
                handed_back(one, "undeliverable")
        standing.nothing_private(self.post.parcels)

    # always

    @invariant()
    def everything_stands_as_it_must(self) -> None:
        standing.look(self.house, self.model)

    def teardown(self) -> None:
        while seal_audit(self.house.database, "the sealer"):
            pass
        with self.house.database.read() as session:
            found = audit.verify(session)
        assert (found.broken, found.unsealed) == ((), 0)
        self.tally["referrals"] += len(self.model)
        take_all_out(self.house.database)
