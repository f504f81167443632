"""What each kind packs: which link, for whom, and when it is no longer told."""

import re

import pytest

from exchange.actions.links.ask_for_code import ask_for_code
from exchange.actions.links.prove_address import is_proved, prove_address
from exchange.actions.people.accept_invitation import accept_invitation
from exchange.actions.people.invite_user import invite_user
from exchange.db import link, outbox, release
from exchange.db.organization import OrganizationRow
from exchange.db.person import UserRow
from exchange.domain.actor import Role
from exchange.domain.errors import ExchangeError

LINK = re.compile(r"https://exchange\.example/(\w+)/(\S+)")


def test_an_agency_without_people_gets_a_link_that_answers_without_an_account(house, relay, mail):
    sent = house.send()
    relay.run()

    kind, token = LINK.search(mail.parcels[0].body).groups()
    with house.database.read() as session:
        row = link.living_link(session, token, house.clock())

    assert kind == "answer"
    assert (row.referral_id, row.organization_id) == (sent.referral.id, house.ids["pantry"])


def test_an_agency_with_people_gets_the_page_behind_the_sign_in(house, relay, mail, hire):
    hire("pantry")
    sent = house.send()

    relay.run()

    assert LINK.search(mail.parcels[0].body).groups() == ("referrals", sent.referral.id)


def test_every_try_has_a_link_of_its_own_and_each_opens(house, relay, mail):
    from exchange.work.channels.parcel import TryAgain

    house.send()
    mail.failures = [TryAgain("the answer of the mail server was lost")]
    relay.run()
    house.clock.forward(minutes=2)
    relay.run()

    tokens = [LINK.search(parcel.body).group(2) for parcel in mail.parcels]
    with house.database.read() as session:
        assert all(link.living_link(session, token, house.clock()) for token in tokens)
    assert len(set(tokens)) == 2


def test_the_code_of_a_link_is_in_the_mail_only_and_proves_the_address_once(house, relay, mail):
    house.send()
    relay.run()
    token = LINK.search(mail.parcels[0].body).group(2)
    with house.database.write() as session:
        assert ask_for_code(session, token) == "pantry@example.invalid"
    relay.run()
    code = re.search(r"Your code is (\d{6})\. It is good for 15 minutes", mail.parcels[1].body).group(1)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"

    with house.database.write() as session:
        answers = [prove_address(session, token, typed) for typed in (wrong, f" {code[:3]} {code[3:]}", code)]

    assert answers == [False, True, False]
    with house.database.read() as session:
        assert is_proved(session, token)


def test_a_code_for_a_link_that_was_revoked_is_not_sent(house, relay, mail, messages):
    sent = house.send()
    relay.run()
    token = LINK.search(mail.parcels[0].body).group(2)
    with house.database.write() as session:
        ask_for_code(session, token)
        link.revoke_links(session, sent.referral.id, house.clock())

    relay.run()

    assert [row.state for row in messages()] == [outbox.SENT, outbox.DROPPED]


def test_an_invitation_is_made_when_it_is_sent_and_lets_a_password_be_chosen(house, relay, mail):
    from tests.exchange.conftest import OPERATOR

    with house.database.write() as session:
        invite_user(session, OPERATOR, house.ids["pantry"], "ada@pantry.example", Role.CASE_WORKER, by_mail=True)
    relay.run()
    kind, token = LINK.search(mail.parcels[0].body).groups()

    with house.database.write() as session:
        accept_invitation(session, token, "a long enough passphrase", "Ada")

    assert (kind, mail.parcels[0].to) == ("invitation", "ada@pantry.example")


def test_a_closed_account_is_not_invited(house, relay, mail, hire, messages):
    user_id = hire("pantry", password_hash=None)
    with house.database.write() as session:
        session.get_one(UserRow, user_id).disabled_at = house.clock()
        outbox.put(
            session, kind="user.invited", channel="email", destination="worker@example.invalid", now=house.clock(),
            data={"user": user_id},
        )  # fmt: skip

    relay.run()

    assert (mail.parcels, messages()[0].state) == ([], outbox.DROPPED)


def test_the_release_is_asked_again_before_telling(house, relay, mail, messages):
    """Consent was revoked between the sending and the telling: nobody is told (security review T23)."""
    sent = house.send()
    with house.database.write() as session:
        release.end_releases(session, sent.referral.id, house.ids["pantry"], house.clock())

    relay.run()

    assert (mail.parcels, messages()[0].state) == ([], outbox.DROPPED)


def test_an_agency_without_mail_is_phoned_by_the_sender_or_its_network(house, relay, mail):
    house.join("church", kind="agency", phone="217-555-0120")
    sent = house.send("church")

    relay.run()

    assert sorted(parcel.to for parcel in mail.parcels) == ["hospital@example.invalid", "network@example.invalid"]
    assert {parcel.subject for parcel in mail.parcels} == {"An agency must be phoned"}
    assert all(LINK.search(parcel.body).groups() == ("referrals", sent.referral.id) for parcel in mail.parcels)


def test_an_open_referral_is_told_to_the_routing_queue(house, relay, mail):
    house.send(None)

    relay.run()

    assert [(parcel.to, parcel.subject) for parcel in mail.parcels] == [
        ("network@example.invalid", "A referral waits in your routing queue")
    ]


@pytest.mark.parametrize(("zone", "shown"), [("America/New_York", "11:00 EDT"), ("Nowhere/Land", "15:00 UTC")])
def test_a_time_is_shown_by_the_readers_clock(house, relay, mail, zone, shown):
    with house.database.write() as session:
        session.get_one(OrganizationRow, house.ids["pantry"]).time_zone = zone
    house.send()

    relay.run()

    assert re.search(rf"by \w+ \d+ June 2026, \d\d:\d\d {shown[-3:]}\.", mail.parcels[0].body)


def test_an_unknown_kind_is_never_sent(house, relay, mail, messages):
    with house.database.write() as session:
        outbox.put(session, kind="surprise", channel="email", destination="a@example.invalid", now=house.clock())

    relay.run()

    assert mail.parcels == []
    assert messages()[0].last_error == "It could not be packed (ValueError)."


def test_a_dead_link_gives_no_code(house):
    with house.database.write() as session, pytest.raises(ExchangeError, match="not valid any more"):
        ask_for_code(session, "x" * 22)
