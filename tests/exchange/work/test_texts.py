"""Every kind of message has a text, a sender and a channel, and none says anything of a person."""

import json
import re
import string

import pytest

from exchange.actions.referrals.answer_referral import answer_referral
from exchange.domain.events import MessageKind
from exchange.work.channels.opening import CHANNELS
from exchange.work.retries import SCHEDULES, wait_before_next
from exchange.work.senders import SENDERS
from exchange.work.texts import FIELDS, TEXTS, whom_to_call, write_text
from fhir_mapping.case_data.referral import Reason

ABOUT_A_PERSON = (
    "Canaryname", "Zoelle", "1980", "female", "555-0143", "Springfield", "62701", "627", "Spanish", "interpreter",
    "food", "box", "canary-note",
)  # fmt: skip


@pytest.mark.parametrize("kind", MessageKind)
def test_a_text_mentions_only_what_the_senders_fill(kind):
    fields = {
        name
        for paragraph in (TEXTS[kind].subject, *TEXTS[kind].paragraphs)
        for _text, name, _format, _conversion in string.Formatter().parse(paragraph)
        if name is not None
    }

    assert fields <= FIELDS


@pytest.mark.parametrize("kind", MessageKind)
def test_a_subject_is_one_short_line_that_names_nobody(kind):
    assert re.fullmatch(r"[A-Z][^{}\n]{5,60}", TEXTS[kind].subject)


def test_every_kind_is_sent_and_every_channel_has_a_schedule():
    assert set(SENDERS) == set(TEXTS) == set(MessageKind)
    assert set(CHANNELS) == set(SCHEDULES) == {"email", "webhook"}


def test_the_texts_are_looked_up_in_a_catalogue():
    spanish = {"There is news of a referral": "Hay novedades", "Open it here: {link}": "Ábralo aquí: {link}"}

    subject, body = write_text(
        MessageKind.CHANGED,
        {"link": "https://x.example/r", "house": "h"},
        translate=lambda text: spanish.get(text, text),
    )

    assert subject == "Hay novedades"
    assert "Ábralo aquí: https://x.example/r" in body


def test_a_name_cannot_add_lines_to_a_mail():
    assert whom_to_call("Bad\r\nSubject: no\n", None) == "Bad Subject: no"
    assert whom_to_call("County Hospital", " 217-555-0100") == "County Hospital, phone 217-555-0100"


def test_the_mail_of_a_new_referral_says_what_to_do_by_when_and_whom_to_call(house, relay, mail):
    house.send()

    relay.run()

    body = mail.parcels[0].body
    assert "Hospital has sent you a referral and asks for your answer by Friday 5 June 2026, 10:00 CDT." in body
    assert "If nobody answers by then, the sender is told so and may ask another agency." in body
    assert "Questions? Please call the sender: Hospital, phone 217-555-0100." in body
    assert re.search(r"https://exchange\.example/answer/[\w-]{22}\n", body)


def test_nothing_about_the_person_is_told_in_the_whole_life_of_a_referral(house, relay, mail, hook, caplog):
    from exchange.db.webhook import add_webhook

    with house.database.write() as session:
        for organization in ("hospital", "pantry"):
            add_webhook(session, house.ids[organization], f"https://{organization}.example/hook", "whsec_" + "A" * 32)
    sent = house.send(note="canary-note")
    agency = house.person("pantry")
    for verb, more in (
        ("accept", {"note": "canary-note"}),
        ("hold", {"reason": Reason("other", "canary-note")}),
        ("resume", {}),
        ("complete", {"outcome": "A food box for Canaryname"}),
    ):
        with house.database.write() as session:
            answer_referral(session, agency, sent.referral.id, verb, **more)
    with caplog.at_level("DEBUG"):
        while relay.run():
            pass

    told = "\n".join(f"{p.to}\n{p.subject}\n{p.body}" for p in mail.parcels + hook.parcels) + caplog.text + repr(mail)
    told = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|/answer/\S+", "", told)
    assert len(mail.parcels) + len(hook.parcels) >= 8
    assert [word for word in ABOUT_A_PERSON if word in told] == []


def test_a_webhook_is_told_where_to_read_and_nothing_else(house, relay, hook):
    from exchange.db.webhook import add_webhook

    with house.database.write() as session:
        add_webhook(session, house.ids["pantry"], "https://pantry.example/hook", "whsec_" + "A" * 32)
    sent = house.send()

    relay.run()

    assert json.loads(hook.parcels[0].body) == {
        "type": "referral.requested",
        "timestamp": "2026-06-01T15:00:00.000Z",
        "data": {"id": sent.referral.id, "referral": f"{house.database.fhir_base}/Task/{sent.referral.id}"},
    }


@pytest.mark.parametrize(("channel", "hours"), [("webhook", 75.6), ("email", 22.4)])
def test_a_schedule_lasts_as_long_as_it_says_and_ends(channel, hours):
    waits = [wait_before_next(channel, tries, jitter=0) for tries in range(1, 30)]
    real = [wait for wait in waits if wait is not None]

    assert round(sum(wait.total_seconds() for wait in real) / 3600, 1) == hours
    assert waits[len(real) :] == [None] * (29 - len(real))


def test_jitter_only_lengthens_a_wait_by_a_tenth_and_a_receiver_may_ask_for_more():
    assert wait_before_next("webhook", 2, jitter=1.0).total_seconds() == pytest.approx(330)
    assert wait_before_next("webhook", 2, jitter=0.0, asked_seconds=900).total_seconds() == 900
    assert wait_before_next("webhook", 2, jitter=0.0, asked_seconds=10).total_seconds() == 300
