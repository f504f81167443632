"""The OAuth door with the guard in front of it, a client of the hospital, and a way to sign whatever a test wants."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
import requests
from flask import Flask, g
from flask.testing import FlaskClient
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from werkzeug.test import TestResponse

from exchange.actions.clients.register_client import register_client
from exchange.config import Config
from exchange.db.audit_writer import AuditWriter
from exchange.domain.errors import Unauthenticated
from exchange.outbound import outbound_session
from exchange.web.audit_trail import keep_audit_trail
from exchange.web.guard import Who, access, guard
from exchange.web.headers import set_headers
from exchange.web.oauth.door import open_door
from tests.exchange.conftest import OPERATOR, House

TOKEN_URL = "https://exchange.example/oauth/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPE = "system/Task.rus system/Patient.crs system/*.r"


@dataclass
class Door:
    """What a test knocks with."""

    house: House
    app: Flask
    keys: dict[str, Any]
    client_id: str = ""
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def browser(self) -> FlaskClient:
        return self.app.test_client()

    def register(self, label: str = "hospital", scope: str = SCOPE, **keys: Any) -> str:
        """Register a client and return its id. Without keys it has both public keys inline."""
        with self.house.database.write() as session:
            return register_client(
                session, OPERATOR, self.house.ids[label], "EHR", scope, **(keys or {"jwks": self.public()})
            )

    def public(self, *names: str) -> dict[str, Any]:
        """Return the key set of the named keys, of RSA and EC when none is named."""
        return {"keys": [self.keys[name].as_dict(private=False) for name in names or ("rsa", "ec")]}

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Return good claims with changes; a change to ... leaves the claim out."""
        at = int(self.house.clock().timestamp())
        client_id = changed.pop("client_id", self.client_id)
        good = {
            "iss": client_id,
            "sub": client_id,
            "aud": TOKEN_URL,
            "exp": at + 240,
            "jti": f"jti-{next(self.numbers)}",
        }
        return {name: value for name, value in (good | changed).items() if value is not ...}

    def sign(self, claims: Any = None, *, key: str = "ec", header: dict[str, Any] | None = None) -> str:
        """Return an assertion signed with a key, its header changed as asked."""
        signer = self.keys[key]
        good = {"alg": "RS384" if signer.key_type == "RSA" else "ES384", "typ": "JWT", "kid": signer.kid}
        named = {name: value for name, value in (good | (header or {})).items() if value is not ...}
        payload = (
            claims if isinstance(claims, bytes) else json.dumps(self.claims() if claims is None else claims).encode()
        )
        return signed(named, payload, signer)

    def form(self, assertion: str | None = None, **changed: Any) -> dict[str, Any]:
        """Return a good form with changes; a change to ... leaves the parameter out."""
        good = {
            "grant_type": "client_credentials",
            "scope": "system/Task.rs",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.sign() if assertion is None else assertion,
        }
        return {name: value for name, value in (good | changed).items() if value is not ...}

    def ask(self, assertion: str | None = None, **changed: Any) -> TestResponse:
        """Ask for a token."""
        return self.browser.post("/oauth/token", data=self.form(assertion, **changed))

    def token(self, **changed: Any) -> str:
        """Return a new token."""
        answer = self.ask(**changed)
        assert answer.status_code == 200, answer.json
        return str(answer.json["access_token"])

    def post(
        self, path: str, form: dict[str, Any], *, by: str | None = None, assertion: str | None = None
    ) -> TestResponse:
        """Post a form, with a token in the header or an assertion in the form."""
        if by is not None:
            return self.browser.post(path, data=form, headers={"Authorization": f"Bearer {by}"})
        proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion or self.sign()}
        return self.browser.post(path, data=proof | form)

    def probe(self, token: str) -> TestResponse:
        """Use a token at an address that wants one."""
        return self.browser.get("/probe", headers={"Authorization": f"Bearer {token}"})


def encoded(part: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(part).rstrip(b"=").decode()


def signed(header: dict[str, Any], payload: bytes, key: Any) -> str:
    """Return a compact JWS with this very header, whatever joserfc would think of it."""
    signing = {"alg": header.get("alg")}
    first = f"{encoded(json.dumps(header).encode())}.{encoded(payload)}"
    algorithm = jws.JWSRegistry.algorithms[str(signing["alg"])]
    return f"{first}.{encoded(algorithm.sign(first.encode(), key))}"


def build(house: House, session: requests.Session | None = None) -> Flask:
    """Return an app with the real guard, audit and headers, the OAuth door, and one address that wants a token."""
    app = Flask("oauth-door", static_folder=None)
    app.extensions["exchange_config"] = Config(base_url="https://exchange.example")
    app.extensions["exchange_database"] = house.database
    app.extensions["exchange_outbound"] = session or outbound_session([])
    app.extensions["exchange_audit"] = AuditWriter(house.database)
    guard(app)
    keep_audit_trail(app)
    set_headers(app)
    open_door(app)
    app.register_error_handler(Unauthenticated, lambda error: (error.sentence, 401))

    @app.get("/probe")
    @access(Who.CLIENT)
    def probe() -> dict[str, Any]:
        return {"client_id": g.actor.id, "scope": [scope.written for scope in g.scopes]}

    return app


@pytest.fixture(scope="session")
def signing_keys() -> dict[str, Any]:
    """Keys by name."""
    return new_keys()


def new_keys() -> dict[str, Any]:
    """Return keys by name: the client's two, those of a stranger, and weak ones."""
    return {
        "rsa": RSAKey.generate_key(2048, {"kid": "rsa-1"}),
        "ec": ECKey.generate_key("P-384", {"kid": "ec-1"}),
        "other": ECKey.generate_key("P-384", {"kid": "other-1"}),
        "p256": ECKey.generate_key("P-256", {"kid": "p256-1"}),
        "impostor": ECKey.generate_key("P-384", {"kid": "ec-1"}),
    }


@pytest.fixture
def door(house: House, signing_keys: dict[str, Any]) -> Iterator[Door]:
    """The door, and a registered client of the hospital."""
    app = build(house)
    made = Door(house, app, signing_keys)
    made.client_id = made.register()
    yield made
    app.extensions["exchange_audit"].stop()
