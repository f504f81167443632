"""A client is registered: to which organisation it belongs, its public keys, and what it may at most ask for."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from exchange.actions.clients.key_set import is_secret, keys_in, signs
from exchange.actions.clients.oversight import client_entry, permit_for
from exchange.db import audit
from exchange.db.client import ClientRow
from exchange.db.ids import new_id
from exchange.db.organization import member
from exchange.db.session import now
from exchange.domain.actor import Actor
from exchange.domain.errors import NotFound, Unprocessable
from exchange.domain.scopes import parse_scopes
from fhir_mapping.resource_types import RESOURCE_TYPES

LONGEST_NAME: Final = 200
LONGEST_SCOPE: Final = 4_000


def register_client(
    session: Session,
    actor: Actor,
    organization_id: str,
    name: str,
    scope: str,
    *,
    jwks: Mapping[str, Any] | None = None,
    jwks_url: str | None = None,
) -> str:
    """Register a client of a member organisation and return its client_id.

    Either `jwks` (a JSON Web Key Set of public keys) or `jwks_url` (where it is published). The caller has asked the
    guard of outgoing requests about the address. Raises Forbidden, NotFound (no such member), Unprocessable.
    """
    permit_for(actor, organization_id)
    if member(session, organization_id) is None:
        raise NotFound("There is no such organisation: add it first with `exchange organization add`.")
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        raise Unprocessable("Give the client a name of 1 to 200 characters: it stands in the audit.", expression="name")
    if (jwks is None) == (jwks_url is None):
        raise Unprocessable("Give the keys either as a file or as an address, and one of the two.", expression="jwks")
    row = ClientRow(
        id=new_id(), organization_id=organization_id, name=name.strip(), scope=_registered(scope),
        jwks=_checked(jwks) if jwks is not None else None, jwks_url=_address(jwks_url) if jwks_url else None,
        registered_at=now(session),
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.write(session, [client_entry(session, actor, row, "register-client", "C")])
    return row.id


def _registered(scope: str) -> str:
    scopes, unknown = parse_scopes(scope)
    unheard = [one.written for one in scopes if one.type != "*" and one.type not in RESOURCE_TYPES]
    if unknown or unheard:
        wrong = ", ".join([*unknown, *unheard])
        raise Unprocessable(f"These are not scopes of this exchange: {wrong}. Write such as system/Task.rus.")
    if not scopes or len(scope) > LONGEST_SCOPE:
        raise Unprocessable("Name the scopes the client may ask for, such as system/Task.rus.", expression="scope")
    return " ".join(one.written for one in scopes)


def _checked(jwks: Mapping[str, Any]) -> dict[str, Any]:
    try:
        keys = keys_in(jwks)
    except ValueError as error:
        raise Unprocessable(str(error), expression="jwks") from None
    if any(is_secret(key) for key in keys):
        sentence = "This key set holds a private key: make new keys, keep those to yourself, and send the public part."
        raise Unprocessable(sentence, expression="jwks")
    usable = [(key["kid"], key["kty"]) for key in keys if signs(key)]
    if not usable:
        sentence = "No key of the set can sign here: send RSA of 2048 bits or more, or EC on P-384, each with a kid."
        raise Unprocessable(sentence, expression="jwks")
    if len(set(usable)) != len(usable):
        raise Unprocessable("Two keys of the set have one kid: give each key its own.", expression="jwks")
    return {"keys": [dict(key) for key in keys]}


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or len(url) > 2_000:
        raise Unprocessable("Give the address of the key set as https://host/path.", expression="jwks_url")
    return url
