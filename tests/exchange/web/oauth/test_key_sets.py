"""Keys by URL: fetched through the guard, kept as long as their owner allows, asked for again when a new kid comes."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import requests
from urllib3 import HTTPResponse

from exchange.web.oauth.key_sets import KeySets
from tests.exchange.conftest import House
from tests.exchange.web.oauth.conftest import Door, build

URL = "https://ehr.example/jwks.json"


@dataclass
class Publisher:
    """A fake of the outgoing session: the one place where key sets are published."""

    keys: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    body: bytes | None = None
    fails: Exception | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def get(self, url: str, **options: Any) -> requests.Response:
        self.asked.append({"url": url} | options)
        if self.fails is not None:
            raise self.fails
        response = requests.Response()
        response.status_code = self.status
        response.headers.update(self.headers)
        body = json.dumps(self.keys).encode() if self.body is None else self.body
        response.raw = HTTPResponse(io.BytesIO(body), preload_content=False)
        return response


@pytest.mark.parametrize("key", ["rsa", "ec"])
def test_a_client_may_publish_its_keys(key: str, published: tuple[Door, Publisher]) -> None:
    door, publisher = published

    assert door.ask(door.sign(key=key)).status_code == 200
    assert publisher.asked[0]["url"] == URL
    assert publisher.asked[0]["headers"] == {"Accept": "application/json"}


def test_the_registered_address_may_stand_in_the_header(published: tuple[Door, Publisher]) -> None:
    door, publisher = published

    assert door.ask(door.sign(header={"jku": URL})).status_code == 200
    assert door.ask(door.sign(header={"jku": f"{URL}?"})).status_code == 401
    assert {one["url"] for one in publisher.asked} == {URL}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Cache-Control": "max-age=60"}, 60),
        ({"Cache-Control": "public, max-age=3600", "Age": "600"}, 3_000),
        ({"Cache-Control": "max-age=999999999"}, 86_400),
        ({"Cache-Control": "no-store"}, 0),
        ({"Cache-Control": "no-cache"}, 0),
        ({"Cache-Control": "max-age=0"}, 0),
        ({"Cache-Control": "max-age=10", "Age": "50"}, 0),
        ({"Cache-Control": "nonsense"}, 300),
        ({}, 300),
    ],
)
def test_a_key_set_is_kept_as_long_as_its_owner_allows(
    headers: dict[str, str], seconds: int, published: tuple[Door, Publisher]
) -> None:
    door, publisher = published
    publisher.headers = headers

    door.token()
    if seconds:
        door.house.clock.forward(seconds=seconds - 1)
        door.token()
        assert len(publisher.asked) == 1
    door.house.clock.forward(seconds=1)
    door.token()

    assert len(publisher.asked) == 2


def test_a_new_kid_makes_us_ask_again_but_not_again_and_again(published: tuple[Door, Publisher]) -> None:
    door, publisher = published
    publisher.headers = {"Cache-Control": "max-age=3600"}
    publisher.keys = door.public("rsa")
    door.token(assertion=door.sign(key="rsa"))
    publisher.keys = door.public()

    assert door.ask(door.sign(key="ec")).status_code == 401
    assert len(publisher.asked) == 1
    door.house.clock.forward(seconds=30)
    assert door.ask(door.sign(key="ec")).status_code == 200
    assert len(publisher.asked) == 2
    for _ in range(5):
        assert door.ask(door.sign(header={"kid": "invented"})).status_code == 401
    assert len(publisher.asked) == 2


def test_a_key_that_was_taken_out_signs_no_more_once_the_set_is_old(published: tuple[Door, Publisher]) -> None:
    door, publisher = published
    publisher.headers = {"Cache-Control": "max-age=60"}
    door.token()
    publisher.keys = door.public("rsa")

    assert door.ask().status_code == 200
    door.house.clock.forward(seconds=60)
    assert door.ask().status_code == 401


@pytest.mark.parametrize(
    "break_it",
    [
        lambda publisher: setattr(publisher, "status", 404),
        lambda publisher: setattr(publisher, "status", 302),
        lambda publisher: setattr(publisher, "body", b"<html>"),
        lambda publisher: setattr(publisher, "body", b"[]"),
        lambda publisher: setattr(publisher, "body", b'{"keys": {}}'),
        lambda publisher: setattr(publisher, "body", b'{"keys": [1]}'),
        lambda publisher: setattr(publisher, "body", b" " * 300_000),
        lambda publisher: setattr(publisher, "fails", requests.ConnectionError("down")),
    ],
)
def test_a_set_that_cannot_be_read_authenticates_nobody_and_is_not_asked_for_at_once_again(
    break_it: Callable[[Publisher], None], published: tuple[Door, Publisher]
) -> None:
    door, publisher = published
    break_it(publisher)

    for _ in range(3):
        answer = door.ask()
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
        assert "key set could not be read" in answer.json["error_description"]

    assert len(publisher.asked) == 1
    publisher.status, publisher.body, publisher.fails = 200, None, None
    door.house.clock.forward(seconds=5)
    assert door.ask().status_code == 200


def test_an_address_inside_is_never_asked(house: House, signing_keys: dict[str, Any]) -> None:
    door = Door(house, build(house), signing_keys)
    door.client_id = door.register(jwks_url="https://169.254.169.254/jwks.json")

    answer = door.ask()

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_a_set_may_hold_keys_for_other_uses(published: tuple[Door, Publisher]) -> None:
    door, publisher = published
    strange = [{"kty": "OKP"}, {"kty": ["EC"], "kid": "ec-1"}, {"kid": "ec-1", "kty": "EC", "use": "enc"}, {"exp": 1.5}]
    publisher.keys = {"keys": [*strange, *door.public("p256", "ec")["keys"]]}

    assert door.ask().status_code == 200


def test_one_slow_set_does_not_hold_up_others(signing_keys: dict[str, Any], house: House) -> None:
    publisher = Publisher({"keys": []})
    sets = KeySets(publisher)  # type: ignore[arg-type]
    sets.keys(URL, kid="a", algorithm="ES384", now=house.clock())
    sets._kept[URL].lock.acquire()

    sets.keys("https://other.example/", kid="a", algorithm="ES384", now=house.clock() + timedelta(seconds=1))

    assert [one["url"] for one in publisher.asked] == [URL, "https://other.example/"]


@pytest.fixture
def published(house: House, signing_keys: dict[str, Any]) -> tuple[Door, Publisher]:
    """A client whose keys are at a URL, and who publishes them there."""
    publisher = Publisher({})
    door = Door(house, build(house, publisher), signing_keys)  # type: ignore[arg-type]
    publisher.keys = door.public()
    door.client_id = door.register(jwks_url=URL)
    return door, publisher
