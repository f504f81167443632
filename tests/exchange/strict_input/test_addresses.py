"""Every place that takes an address, with every address that leads inside: nothing inside is ever connected to.

`tests/exchange/test_outbound.py` has the guard itself; here it is asked at the doors, the command line and the relay.
"""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from exchange.app import create_app
from exchange.cli import house as cli_house
from exchange.cli.client import client
from exchange.config import Config
from exchange.db.client import ClientRow
from exchange.db.webhook import WebhookRow, add_webhook
from exchange.domain.errors import ExchangeError
from exchange.outbound import outbound_session
from exchange.web.oauth.key_sets import KeySets
from exchange.work.channels.parcel import Parcel, TryAgain
from exchange.work.channels.webhook import webhook_channel
from exchange.work.relay import Relay
from tests.exchange.conftest import House
from tests.exchange.strict_input.corpus import ABSENT, own
from tests.exchange.web.fhir.conftest import Caller, a_patient
from tests.exchange.web.fhir.conftest import Door as FHIRDoor
from tests.exchange.web.oauth.conftest import Door, build, new_keys
from tests.loopback import served
from tests.reliability import Reached

SECRET: Final = "whsec_" + "QUJD" * 10
PUBLIC: Final = "93.184.215.14"
#  names of the list that lie outside until they are asked for: a registration by text cannot know
BY_NAME: Final = (
    "redirect.test",
    "rebind.test",
    "big.test",
    "nip.io",
    "localtest.me",
    "metadata.google",
    "xn--n3h.test",
)


@dataclass
class Wire:
    """What tried to connect, and what came in at a server on this machine that nobody may reach."""

    tried: list[tuple[str, int]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    port: int = 0
    open_ports: set[int] = field(default_factory=set)


def addresses() -> list[str]:
    return [line["url"] for line in own("ssrf-urls")]


def with_the_canary(wire: Wire) -> list[str]:
    """Return the corpus's addresses and, written in ways that parsers differ about, that of the listening server."""
    port = wire.port
    return addresses() + [
        f"http://127.0.0.1:{port}/", f"https://127.0.0.1:{port}/", f"http://localhost:{port}/",
        f"http://2130706433:{port}/",
        f"http://[::ffff:127.0.0.1]:{port}/", f"http://a@127.0.0.1:{port}/", f"http://127.0.0.1:{port}#@hook.example/",
        f"http://hook.example:{port}/", f"https://hook.example:{port}/", f"HTTP://127.0.0.1:{port}",
    ]  # fmt: skip


@ABSENT
@pytest.mark.invariant(
    "ssrf-no-connection",
    "No address of the list, at no place that takes one, makes the exchange connect to where it must not.",
)
def test_no_address_leads_inside_from_any_place_that_takes_one(
    wire: Wire, places: dict[str, Callable[[str], str]], reached: Reached
) -> None:
    said: dict[str, set[str]] = {name: set() for name in places}

    for name, put in places.items():
        #  a referral is sent for each address that the relay is given
        for url in with_the_canary(wire)[:: 5 if name == "webhook, delivered by the relay" else 1]:
            said[name].add(put(url))

    assert wire.heard == []
    assert wire.tried == []
    assert said["webhook, registered"] == {"refused", "registered by its name"}
    assert said["key set, registered"] == {"refused", "registered by its name"}
    assert said["webhook, delivered"] == {"refused"}
    assert said["webhook, delivered by the relay"] == {"refused"}
    assert said["key set, fetched"] == {"refused"}
    assert said["attachment"] <= {"kept, not fetched", "refused"}
    assert "kept, not fetched" in said["attachment"]
    reached(addresses=len(with_the_canary(wire)), places=len(places), connections=len(wire.tried))


def test_a_redirect_to_this_machine_or_elsewhere_is_an_answer(wire: Wire) -> None:
    """The one that answers is allowed; where it sends us is the canary, and another host."""
    for target in (
        f"http://127.0.0.1:{wire.port}/inside",
        "https://elsewhere.example/",
        "//127.0.0.1/",
        "file:///etc/passwd",
    ):
        with served(redirecting(target)) as server:
            wire.open_ports.add(server.port)
            session = outbound_session((f"127.0.0.1:{server.port}",), resolve=at_home)
            at = f"http://127.0.0.1:{server.port}/hook"
            with pytest.raises(TryAgain, match=r"The receiver answered 30[278]\."):
                webhook_channel(session)(Parcel("1", at, "{}", secret=SECRET), datetime.now(UTC))
            with pytest.raises(Exception, match="The registered key set could not be read"):
                KeySets(session).keys(at, kid="a", algorithm="ES384", now=datetime.now(UTC))

    assert wire.heard == []
    assert wire.tried == []


@pytest.mark.parametrize(
    "answers", [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC, "::1"], [PUBLIC, "::ffff:7f00:1"]]
)
def test_a_name_that_changes_its_answer_is_connected_to_where_it_was_judged(
    answers: list[str], wire: Wire, house: House
) -> None:
    """Asked again and again, the name says another address each time: what was judged is what is connected to."""
    turns = iter(answers * 10)
    session = outbound_session((), resolve=lambda host, port: [next(turns)])

    for _turn in range(4):
        with pytest.raises(TryAgain):
            webhook_channel(session)(Parcel("1", "https://rebind.test/hook", "{}", secret=SECRET), datetime.now(UTC))
        with pytest.raises(Exception, match="The registered key set could not be read"):
            KeySets(session).keys(
                "https://rebind.test/jwks", kid="a", algorithm="ES384", now=house.clock.forward(hours=1)
            )

    assert wire.heard == []
    assert set(wire.tried) == {(PUBLIC, 443)}
    assert len(wire.tried) == 4


def at_home(host: str, _port: int) -> list[str]:
    """Return the address of a host: this machine by its number, and for every name a public one."""
    return [host] if host == "127.0.0.1" else [PUBLIC]


def redirecting(target: str) -> Callable[..., list[bytes]]:
    statuses = iter(["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] * 3)

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response(next(statuses), [("Location", target), ("Content-Length", "0")])
        return [b""]

    return answer


# ---- the places


@pytest.fixture
def places(house: House, fhir: Caller, wire: Wire) -> Iterator[dict[str, Callable[[str], str]]]:
    """Return every place that takes an address; each puts one there and says what came of it."""
    session = outbound_session((), resolve=lambda host, port: ["127.0.0.1"])
    headers = {"Authorization": f"Bearer {fhir.token}"}
    oauth = build(house, session)
    door = Door(house, oauth, new_keys())
    relay = Relay(
        house.database, {"email": lambda *_: None, "webhook": webhook_channel(session)}, "https://exchange.example",
        jitter=lambda: 0.0,
    )  # fmt: skip
    operator: Any = cli_house.House(Config())
    operator.database = house.database

    def registered(url: str) -> str:
        answer = fhir.http.post("/api/webhooks", json={"url": url}, headers=headers)
        if answer.status_code == 201:
            fhir.http.delete(f"/api/webhooks/{answer.get_json()['id']}", headers=headers)
            assert any(name in url for name in (*BY_NAME, "example.com")), url
            return "registered by its name"
        assert answer.status_code in (400, 422), answer.get_data(as_text=True)
        return "refused"

    def key_set_registered(url: str) -> str:
        arguments = ["register", "--organization", house.ids["hospital"], "--name", "EHR", "--scope", "system/Task.rs"]
        result = CliRunner().invoke(client, [*arguments, "--jwks-url", url], obj=operator)
        if result.exit_code == 0:
            assert any(name in url for name in (*BY_NAME, "example.com")), url
            return "registered by its name"
        assert isinstance(result.exception, ExchangeError | SystemExit), result.exception
        return "refused"

    def delivered(url: str) -> str:
        with pytest.raises(TryAgain):
            webhook_channel(session)(Parcel("1", url, "{}", secret=SECRET), datetime.now(UTC))
        return "refused"

    def delivered_by_the_relay(url: str) -> str:
        """A row that was registered when the guard knew less, or that somebody wrote into the database."""
        with house.database.write() as opened:
            webhook_id = add_webhook(opened, house.ids["pantry"], url[:2000], SECRET)
        house.send()
        relay.run()
        with house.database.write() as opened:
            opened.execute(update(WebhookRow).where(WebhookRow.id == webhook_id).values(disabled_at=house.clock()))
        house.clock.forward(minutes=1)
        return "refused"

    def key_set_fetched(url: str) -> str:
        door.client_id = door.register()
        with house.database.write() as opened:
            opened.execute(
                update(ClientRow).where(ClientRow.id == door.client_id).values(jwks=None, jwks_url=url[:2000])
            )
        answer = door.ask(door.sign())
        assert answer.status_code == 401
        assert "key set could not be read" in answer.json["error_description"]
        return "refused"

    def attachment(url: str) -> str:
        documents = (
            a_patient(photo=[{"contentType": "image/png", "url": url}]),
            a_patient(link=[{"other": {"reference": url}, "type": "seealso"}]),
            a_patient(text={"status": "generated", "div": narrative(url)}),
            a_patient(implicitRules=url, extension=[{"url": "urn:x", "valueUrl": url}]),
            {"resourceType": "Subscription", "status": "requested", "criteria": "Task?", "reason": "x",
             "channel": {"type": "rest-hook", "endpoint": url}},
        )  # fmt: skip
        statuses = {fhir.post(f"/{one['resourceType']}", json.dumps(one)).status_code for one in documents}
        assert statuses <= {201, 404, 422}, statuses
        return "kept, not fetched" if 201 in statuses else "refused"

    yield {
        "webhook, registered": registered,
        "webhook, delivered": delivered,
        "webhook, delivered by the relay": delivered_by_the_relay,
        "key set, registered": key_set_registered,
        "key set, fetched": key_set_fetched,
        "attachment": attachment,
    }
    oauth.extensions["exchange_audit"].stop()


def narrative(url: str) -> str:
    safe = url.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f'<div xmlns="http://www.w3.org/1999/xhtml"><img src="{safe}" alt="x"/></div>'


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """A canary that listens on this machine, and a note of each connection that is tried anywhere."""
    made = Wire()

    def listen(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        made.heard.append(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    with served(listen) as server:
        made.port = server.port
        connect = socket.create_connection

        def noting(address: tuple[str, int], *arguments: Any, **named: Any) -> socket.socket:
            if address[1] in made.open_ports:
                return connect(address, *arguments, **named)
            made.tried.append(address)
            raise ConnectionRefusedError

        monkeypatch.setattr(socket, "create_connection", noting)
        yield made


@pytest.fixture
def fhir(house: House) -> Iterator[Caller]:
    """A program of the hospital at the FHIR door and at `/api`."""
    app = create_app(Config(base_url="http://127.0.0.1:8080"), house.database)
    yield FHIRDoor(house, app).caller("hospital")
    app.extensions["exchange_audit"].stop()
