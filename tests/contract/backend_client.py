"""A program as a vendor would write it after the SMART text alone: it signs, gets a token, speaks plain HTTP."""

import itertools
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import requests
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.contract.live_exchange import Exchange

Json = dict[str, Any]
Key = RSAKey | ECKey
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FHIR_JSON = "application/fhir+json"
EVERYTHING = "system/*.cruds"


def algorithm_of(key: Key) -> str:
    """Return the algorithm that SMART gives a type of key."""
    return "RS384" if key.key_type == "RSA" else "ES384"


def public(*keys: Key) -> Json:
    """Return the key set that is registered for these keys."""
    return {"keys": [key.as_dict(private=False) | {"alg": algorithm_of(key), "use": "sig"} for key in keys]}


def private(key: Key) -> Json:
    """Return a key set as clients keep it for themselves: it says what its key is for."""
    whole = key.as_dict(private=True) | {"alg": algorithm_of(key), "key_ops": ["sign"]}
    return {"keys": [{name: value for name, value in whole.items() if name != "use"}]}


@dataclass
class BackendClient:
    """A registered program of an organisation. Paths are below the FHIR base, or whole addresses."""

    exchange: Exchange
    label: str
    key: Key
    client_id: str
    http: requests.Session
    token: str = ""
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def organization(self) -> str:
        """The reference to its organisation."""
        return f"Organization/{self.exchange.ids[self.label]}"

    def assertion(self, **changed: Any) -> str:
        """Return a signed assertion, its claims changed as asked."""
        claims = {
            "iss": self.client_id, "sub": self.client_id, "aud": f"{self.exchange.base_url}/oauth/token",
            "exp": int(time.time()) + 240, "jti": str(uuid.uuid4()),
        }  # fmt: skip
        algorithm = algorithm_of(self.key)
        header = {"alg": algorithm, "typ": "JWT", "kid": self.key.kid}
        return jwt.encode(header, claims | changed, self.key, algorithms=[algorithm])

    def ask_for_token(self, scope: str = EVERYTHING, **changed: Any) -> requests.Response:
        """Ask for a token and return the answer; a change replaces a parameter of the form."""
        form = {
            "grant_type": "client_credentials", "scope": scope, "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(),
        }  # fmt: skip
        return self.http.post(f"{self.exchange.base_url}/oauth/token", data=form | changed, timeout=10)

    def sign_in(self, scope: str = EVERYTHING) -> "BackendClient":
        """Get a token, use it from now on, and return the client itself."""
        answer = self.ask_for_token(scope)
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]
        return self

    def ask(self, method: str, path: str, resource: Json | None = None, **headers: str) -> requests.Response:
        """Send a request with the token; header names are written with underscores."""
        said = {"Accept": FHIR_JSON} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        if resource is not None:
            said.setdefault("Content-Type", FHIR_JSON)
        url = path if "://" in path else f"{self.exchange.fhir_base}/{path}".rstrip("/")
        data = None if resource is None else dump(resource).encode()
        return self.http.request(method, url, data=data, headers=said, timeout=20)

    def read(self, reference: str) -> Json:
        """Return a resource that can be read, its numbers as they were written."""
        answer = self.ask("GET", reference)
        assert answer.status_code == 200, f"{reference}: {answer.text}"
        return load(answer.text)

    def create(self, resource: Json) -> Json:
        """Create a resource and return it as it was answered."""
        answer = self.ask("POST", resource["resourceType"], resource)
        assert answer.status_code == 201, f"{resource['resourceType']}: {answer.text}"
        return load(answer.text)

    def update(self, resource: Json, **headers: str) -> Json:
        """Update a resource as it stands and return it as it was answered."""
        answer = self.ask("PUT", address(resource), resource, **headers)
        assert answer.status_code == 200, f"{address(resource)}: {answer.text}"
        return load(answer.text)


@dataclass(frozen=True)
class Number:
    """A JSON number as its text: `1.50` is not `1.5`, and 1 is not "1"."""

    text: str


def load(text: str) -> Json:
    """Return JSON with every number as it was written."""
    found: Json = json.loads(text, parse_float=Number, parse_int=Number)
    return found


def dump(value: Any) -> str:
    """Return JSON text in which numbers stand as they were read."""
    if isinstance(value, Number):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{dump(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return json.dumps(value)


def address(resource: Json) -> str:
    """Return the reference to a resource that has an id."""
    return f"{resource['resourceType']}/{resource['id']}"
