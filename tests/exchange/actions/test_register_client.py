"""A client is registered with public keys strong enough and scopes that exist, by somebody who may."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from sqlalchemy import select

from exchange.actions.clients.grant_scope import grant_scope
from exchange.actions.clients.key_set import keys_for, keys_in, signs
from exchange.actions.clients.register_client import register_client
from exchange.actions.clients.revoke_client import revoke_client
from exchange.db.audit import audit_event
from exchange.db.client import ClientRow, clients_of
from exchange.domain.actor import Role
from exchange.domain.errors import Forbidden, NotFound, Unprocessable
from tests.exchange.conftest import OPERATOR, House

EC = ECKey.generate_key("P-384", {"kid": "ec-1"})
PUBLIC = EC.as_dict(private=False)
GOOD: dict[str, Any] = {"name": "EHR", "scope": "system/Task.rus", "jwks": {"keys": [PUBLIC]}}


def test_a_registered_client_is_listed_and_audited(house: House) -> None:
    client_id = register(house)

    with house.database.read() as session:
        (row,) = clients_of(session, house.ids["hospital"])
        audited = session.execute(select(audit_event).where(audit_event.c.document_id == client_id)).one()
    assert (row.id, row.name, row.scope, row.revoked_at) == (client_id, "EHR", "system/Task.rus", None)
    assert (audited.action, audited.interaction, audited.organization_id) == (
        "C",
        "register-client",
        house.ids["hospital"],
    )


def test_scopes_are_kept_once_and_as_written(house: House) -> None:
    client_id = register(house, scope=" system/Task.rus  system/Patient.read system/Task.rus openid ")

    with house.database.read() as session:
        assert session.get_one(ClientRow, client_id).scope == "system/Task.rus system/Patient.read"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": " "}, "name of 1 to 200 characters"),
        ({"name": "x" * 201}, "name of 1 to 200 characters"),
        ({"scope": ""}, "Name the scopes"),
        ({"scope": "openid launch"}, "Name the scopes"),
        ({"scope": "system/Task.rus patient/Task.r"}, "not scopes of this exchange: patient/Task.r"),
        ({"scope": "system/Spaceship.r"}, "not scopes of this exchange: system/Spaceship.r"),
        ({"scope": "admin"}, "not scopes of this exchange"),
        ({"jwks": None}, "either as a file or as an address"),
        ({"jwks_url": "https://ehr.example/jwks"}, "either as a file or as an address"),
        ({"jwks": None, "jwks_url": "ftp://ehr.example/jwks"}, "https://host/path"),
        ({"jwks": None, "jwks_url": "https://"}, "https://host/path"),
        ({"jwks": {}}, "A key set is a JSON object"),
        ({"jwks": {"keys": PUBLIC}}, "A key set is a JSON object"),
        ({"jwks": {"keys": [PUBLIC] * 101}}, "at most 100 keys"),
        ({"jwks": {"keys": []}}, "No key of the set can sign here"),
        ({"jwks": {"keys": [EC.as_dict(private=True)]}}, "holds a private key"),
        ({"jwks": {"keys": [OctKey.generate_key(256).as_dict(private=True)]}}, "holds a private key"),
        ({"jwks": {"keys": [PUBLIC, PUBLIC]}}, "Two keys of the set have one kid"),
        ({"jwks": {"keys": [{name: PUBLIC[name] for name in PUBLIC if name != "kid"}]}}, "No key of the set can sign"),
    ],
)
def test_a_registration_that_is_refused_says_what_to_change(changed: dict[str, Any], told: str, house: House) -> None:
    with pytest.raises(Unprocessable, match=told):
        register(house, **changed)

    with house.database.read() as session:
        assert clients_of(session) == []


def test_an_organisation_that_has_not_joined_has_no_clients(house: House) -> None:
    with pytest.raises(NotFound, match="There is no such organisation"), house.database.write() as session:
        register_client(session, OPERATOR, "unknown", **GOOD)


@pytest.mark.parametrize(
    ("who", "organization", "may"),
    [
        (lambda house: house.person("hospital", Role.ADMINISTRATOR), "hospital", True),
        (lambda house: house.person("hospital", Role.ADMINISTRATOR), "other", False),
        (lambda house: house.person("hospital", Role.COORDINATOR), "hospital", False),
        (lambda house: house.client("hospital"), "hospital", False),
        (lambda house: OPERATOR, "other", True),
    ],
)
def test_clients_are_registered_and_revoked_by_the_operator_and_by_their_own_administrators(
    who: Callable[[House], Any], organization: str, may: bool, house: House
) -> None:
    def attempt(act: Callable[[Any], Any]) -> bool:
        try:
            with house.database.write() as session:
                act(session)
        except Forbidden:
            return False
        return True

    standing = register(house, organization)
    assert attempt(lambda session: register_client(session, who(house), house.ids[organization], **GOOD)) is may
    assert attempt(lambda session: revoke_client(session, who(house), standing)) is may


def test_a_client_is_revoked_once(house: House) -> None:
    client_id = register(house)

    with house.database.write() as session:
        revoke_client(session, OPERATOR, client_id)

    with pytest.raises(NotFound, match="or it is revoked already"), house.database.write() as session:
        revoke_client(session, OPERATOR, client_id)


@pytest.mark.parametrize(
    "key",
    [
        {},
        {"kty": "EC"},
        {"kty": ["EC"], "kid": "1"},
        {"kty": "RSA", "kid": "1", "n": "x" * 100, "e": "AQAB"},
        {"kty": "RSA", "kid": "1", "n": "x" * 5_000, "e": "AQAB"},
        {"kty": "RSA", "kid": "1", "n": 7, "e": "AQAB"},
        {"kty": "OKP", "kid": "1", "crv": "Ed25519", "x": "a"},
        PUBLIC | {"crv": "P-256"},
        PUBLIC | {"kid": ""},
        PUBLIC | {"kid": 7},
        PUBLIC | {"use": "enc"},
        PUBLIC | {"key_ops": ["encrypt"]},
        PUBLIC | {"key_ops": 7},
        PUBLIC | {"alg": "ES256"},
        PUBLIC | {"alg": "RS384"},
        EC.as_dict(private=True),
    ],
)
def test_a_key_that_cannot_sign_is_never_chosen(key: dict[str, Any]) -> None:
    assert not signs(key)
    for algorithm in ("RS384", "ES384"):
        assert keys_for((key,), kid=str(key.get("kid")), algorithm=algorithm) == ()


@pytest.mark.parametrize("said", [{}, {"use": "sig"}, {"key_ops": ["verify"]}, {"key_ops": ["sign"]}, {"alg": "ES384"}])
def test_a_key_for_signatures_is_taken_in_whatever_words_it_says_so(said: dict[str, Any]) -> None:
    assert signs(PUBLIC | said)


def test_a_good_key_is_chosen_by_its_kid_and_kind() -> None:
    rsa = RSAKey.generate_key(2048, {"kid": "ec-1", "use": "sig", "alg": "RS384"}).as_dict(private=False)
    keys = keys_in({"keys": [PUBLIC, rsa, PUBLIC | {"kid": "ec-2"}]})

    assert keys_for(keys, kid="ec-1", algorithm="ES384") == (PUBLIC,)
    assert keys_for(keys, kid="ec-1", algorithm="RS384") == (rsa,)
    assert keys_for(keys, kid="ec-9", algorithm="ES384") == ()


@pytest.mark.parametrize(
    ("registered", "asked", "is_granted"),
    [
        ("system/*.read", "system/Task.rs", True),
        ("system/Task.rs", "system/Task.read", True),
        ("system/Task.r system/Task.s", "system/Task.rs", True),
        ("system/*.r system/Task.s", "system/Task.rs", True),
        ("system/Task.rs", "system/*.rs", False),
        ("system/*.rs", "system/*.cruds", False),
        ("system/Task.rs", "system/Patient.r", False),
        ("system/Task.rs", "system/Task.u", False),
    ],
)
def test_what_is_granted_lies_within_what_was_registered(registered: str, asked: str, is_granted: bool) -> None:
    if is_granted:
        assert grant_scope(asked, registered) == asked
    else:
        with pytest.raises(Forbidden, match="not registered for: " + re.escape(asked)):
            grant_scope(asked, registered)


def register(house: House, organization: str = "hospital", **changed: Any) -> str:
    with house.database.write() as session:
        return register_client(session, OPERATOR, house.ids[organization], **(GOOD | changed))
