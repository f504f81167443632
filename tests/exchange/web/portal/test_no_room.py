"""No room left, as people see it: a page that says so, and nothing changed (F11 of the security reference)."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from exchange.db import referral
from exchange.domain.actor import SYSTEM
from exchange.web.portal.door import NOTED_EVERY
from tests.databases import SERVER
from tests.exchange.faults.full_disk import Disk
from tests.exchange.web.portal.conftest import Browser, words

FULL = "The disk is full: nothing was stored. Try again when there is room."
only_on_sqlite = pytest.mark.skipif(SERVER is not None, reason="It is about a file: PostgreSQL keeps its own.")


def test_the_portal_says_so_on_a_page(house: Any, disk: Disk, app: Flask, signed_in: Any, link: Any) -> None:
    sent = house.send()
    pantry, stranger, holder = signed_in("pantry"), Browser(app), Browser(app)
    at = f"/answer/{link(sent.referral.id)}"
    pantry.get(f"/referrals/{sent.referral.id}")
    stranger.get("/sign-in")
    holder.get(at)
    disk.fill()

    answers = {
        "accept": pantry.post(f"/referrals/{sent.referral.id}/answer/accept"),
        "sign in": stranger.post("/sign-in", email="rosa@pantry.invalid", password="wrong, but long enough"),
        "answer by link": holder.post(f"{at}/answer/accept", confirmed="yes"),
        "open": pantry.get(f"/referrals/{sent.referral.id}"),
    }

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 507)
    assert all("There is no room left to store this" in words(answer) for answer in answers.values())
    assert all(FULL in words(answer) for answer in answers.values())
    with house.database.read() as session:
        assert referral.find(session, sent.referral.id, visible_to=SYSTEM) == sent.referral


@only_on_sqlite
def test_a_page_that_is_not_audited_is_shown_though_the_session_cannot_be_prolonged(
    house: Any,
    disk: Disk,
    signed_in: Any,
) -> None:
    worker = signed_in("hospital")
    house.clock.forward(seconds=NOTED_EVERY.total_seconds() + 1)

    disk.protect()
    answer = worker.get("/send")
    disk.protect(is_on=False)

    assert answer.status_code == 200


@pytest.fixture
def disk(house: Any) -> Iterator[Disk]:
    disk = Disk(house.database)
    yield disk
    disk.make_room()
