"""The recipes for forging a client's assertion, each cooked: what must be refused gets no token, the rest gets one.

Most are the forgeries of `tests/exchange/web/oauth/test_assertion_refusals.py`, and are taken from there.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
import requests
from joserfc.jwk import OctKey
from sqlalchemy import func, select

from exchange.db.client import AccessTokenRow, ClientRow
from tests.exchange.conftest import House
from tests.exchange.strict_input.corpus import ABSENT, own
from tests.exchange.web.oauth.conftest import Door, build, new_keys, signed
from tests.exchange.web.oauth.test_assertion_refusals import FORGERIES, with_header
from tests.reliability import Reached

REFUSED: Final = {(400, "invalid_client"), (401, "invalid_client"), (400, "invalid_request")}
Answer = tuple[int, str]
Cook = Callable[[Door], Answer]


def forged(name: str) -> Cook:
    """Return what sends a forgery of ours."""
    return lambda door: answer_to(door, FORGERIES[name](door))


def answer_to(door: Door, assertion: str | None = None, **form: Any) -> Answer:
    """Return the status and the error code of a request for a token."""
    answer = door.ask(assertion, **form)
    return answer.status_code, answer.json.get("error", "")


def replayed(restart: Callable[[Door], Door]) -> Cook:
    """Return what uses an assertion once, and again at another application over the same database."""

    def cook(door: Door) -> Answer:
        assertion = door.sign()
        assert answer_to(door, assertion) == (200, "")
        return answer_to(restart(door), assertion)

    return cook


def another_application(door: Door) -> Door:
    return Door(door.house, build(door.house), door.keys, door.client_id, door.numbers)


def same_jti_of_another(door: Door) -> Answer:
    other = door.register("other")
    at_first = answer_to(door, door.sign(door.claims(jti="the-same")))
    assert at_first == (200, "")
    return answer_to(door, door.sign(door.claims(jti="the-same", client_id=other)))


def two_keys_of_one_kid(door: Door) -> Answer:
    with door.house.database.write() as session:
        row = session.get_one(ClientRow, door.client_id)
        row.jwks = {"keys": [*door.public("ec")["keys"], *door.public("impostor")["keys"]]}
    return answer_to(door, door.sign(key="ec"))


def rotated_out(door: Door) -> Answer:
    with door.house.database.write() as session:
        session.get_one(ClientRow, door.client_id).jwks = door.public("rsa")
    return answer_to(door, door.sign(key="ec"))


def token_of_another_audience(door: Door) -> Answer:
    """A token that another server gave stands for nobody here; as an assertion it proves nothing either."""
    theirs = door.sign(door.claims(aud="https://other.example/fhir", scope="system/*.cruds"), header={"typ": "at+jwt"})
    assert door.probe(theirs).status_code == 401
    return answer_to(door, theirs)


def identity_as_token(door: Door) -> Answer:
    identity = door.sign(door.claims(aud=door.client_id, nonce="n", fhirUser="Practitioner/1"))
    assert door.probe(identity).status_code == 401
    return answer_to(door, identity)


def secret_and_assertion(door: Door) -> Answer:
    return answer_to(door, client_secret="secret")


def in_the_address(door: Door) -> Answer:
    form = door.form()
    answer = door.browser.post(f"/oauth/token?client_assertion={form.pop('client_assertion')}", data=form)
    return answer.status_code, answer.json["error"]


def symmetric_key(door: Door) -> Answer:
    """HS384 whose secret is the text of the public JWK, under the kid of that key."""
    key = OctKey.import_key(json.dumps(door.keys["ec"].as_dict(private=False)).encode())
    header = {"alg": "HS384", "typ": "JWT", "kid": "ec-1"}
    return answer_to(door, signed(header, json.dumps(door.claims()).encode(), key))


RECIPES: Final[dict[str, Cook]] = {
    "alg=None": forged("not signed"),
    "alg=NONE, signature empty": forged("not signed, in capitals"),
    "alg removed": forged("no algorithm"),
    "HS256 signed with the RSA public key PEM": forged("the public key as a secret, PEM"),
    "HS256 signed with the RSA public key DER": forged("the public key as a secret, DER"),
    "HS256 signed with the EC public JWK JSON text as secret": symmetric_key,
    "HS384 with empty secret": forged("an empty secret"),
    "RS256 when only RS384/ES384 allowed": forged("RS256"),
    "ES384 with r=s=0": forged("a signature of zeros"),
    "ES384 DER-encoded signature": forged("a signature in DER"),
    "ES384 with P-256 key": lambda door: answer_to(door, with_header("p256", alg="ES256", kid="ec-1")(door)),
    "jwk header embedding attacker key": forged("its own key in the header"),
    "jku to allow-listed host + open redirect": lambda door: answer_to(
        door, door.sign(header={"jku": "https://ehr.example/go?to=https://evil.example/jwks"})
    ),
    "jku to allow-listed host with userinfo": forged("an address of keys with a user"),
    "jku to http://169.254.169.254/": forged("an address of keys inside"),
    "x5u to evil": forged("the address of a certificate"),
    "x5c self-signed": forged("a certificate in the header"),
    "kid ../../../dev/null": forged("a kid that is a path"),
    "kid of another client": forged("the kid of another client's key"),
    "kid missing with 2 keys": forged("no kid"),
    "kid duplicate keys in JWKS": two_keys_of_one_kid,
    "b64=false without crit": forged("a payload that is not encoded"),
    "typ=at+jwt used as client assertion": forged("the typ of an access token"),
    "id_token used as access token": identity_as_token,
    "access token of another audience": token_of_another_audience,
    "iss of another client": forged("the issuer is another client"),
    "sub != iss": forged("the subject is another client"),
    "aud = token URL with trailing slash": forged("an audience with a slash at its end"),
    "aud = issuer instead of token URL": forged("the issuer as audience"),
    "exp missing": forged("no end"),
    "exp in past 1 s": forged("ended a second ago"),
    "exp in past 61 s (beyond skew)": forged("ended a minute ago"),
    "exp 6 minutes ahead": forged("ends in six minutes"),
    "exp as string": forged("an end that is text"),
    "nbf 1 hour ahead": forged("not before an hour from now"),
    "iat 10 years ago": forged("made ten years ago"),
    "jti missing": forged("no jti"),
    "jti replay same iss within 5 min": replayed(lambda door: door),
    "jti replay after server restart": replayed(another_application),
    "jti replay on second worker process": replayed(another_application),
    "jti same value different iss (must pass)": same_jti_of_another,
    "jti 10 kB long": forged("a very long jti"),
    "duplicate claim keys in payload JSON": forged("a name twice"),
    "payload not JSON": forged("a payload that is not JSON"),
    "payload a JSON array": forged("a payload that is a list"),
    "header with BOM": forged("a byte order mark"),
    "base64 with padding": forged("padding"),
    "base64 with newline": forged("a new line"),
    "base64 standard alphabet + and /": forged("letters of the other base64"),
    "4 segments": forged("four parts"),
    "2 segments": forged("two parts"),
    "5 segments (JWE)": forged("encrypted"),
    "JWE nested with zip=DEF bomb": forged("encrypted"),
    "unicode confusable in alg": forged("a letter that looks like another in alg"),
    "signature of other token": forged("the signature of another assertion"),
    "expired key rotated out of JWKS": rotated_out,
    "scope empty": lambda door: answer_to(door, scope=""),
    "grant_type wrong": lambda door: answer_to(door, grant_type="authorization_code"),
    "both client_secret and assertion": secret_and_assertion,
    "assertion in query string": in_the_address,
}
#  RFC 6749 §5.2 has a code of its own for what is wrong with this; the corpus names only two
OTHER_CODES: Final = {"grant_type wrong": (400, "unsupported_grant_type")}
PASSES: Final = {"jti same value different iss (must pass)"}


@dataclass
class Nobody:
    """An outgoing session that notes what it was asked for, and reaches nobody."""

    asked: list[str] = field(default_factory=list)

    def get(self, url: str, **_options: Any) -> requests.Response:
        self.asked.append(url)
        raise requests.ConnectionError("nobody")


@ABSENT
@pytest.mark.invariant(
    "jwt-recipes", "Every recipe for forging an assertion meets the verdict that is written beside it."
)
def test_every_recipe_of_the_corpus_is_cooked_here(reached: Reached) -> None:
    lines = own("jwt-recipes")

    assert {line["recipe"] for line in lines} == RECIPES.keys()
    assert {line["recipe"] for line in lines if line["expect"] == "accept"} == PASSES
    reached(recipes=len(lines), accepted=len(PASSES), refused=len(lines) - len(PASSES))


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_meets_its_verdict(recipe: str, door: Door, nobody: Nobody) -> None:
    before = tokens(door)

    answer = RECIPES[recipe](door)

    if recipe in PASSES:
        assert answer == (200, "")
    else:
        assert answer in ({OTHER_CODES[recipe]} if recipe in OTHER_CODES else REFUSED)
        assert tokens(door) - before == ("replay" in recipe)
    assert nobody.asked == []


def tokens(door: Door) -> int:
    """Return how many tokens there are."""
    with door.house.database.read() as session:
        return int(session.scalar(select(func.count()).select_from(AccessTokenRow)) or 0)


@pytest.fixture(scope="module")
def keys_of_clients() -> dict[str, Any]:
    return new_keys()


@pytest.fixture
def nobody() -> Nobody:
    return Nobody()


@pytest.fixture
def door(long_house: House, keys_of_clients: dict[str, Any], nobody: Nobody) -> Iterator[Door]:
    """The OAuth door, and a client of its own for each recipe, at a later time: ten failures make one wait."""
    long_house.clock.forward(minutes=6)
    app = build(long_house, nobody)  # type: ignore[arg-type]
    made = Door(long_house, app, keys_of_clients)
    made.client_id = made.register()
    yield made
    app.extensions["exchange_audit"].stop()
