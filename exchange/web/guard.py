"""Who may knock: every view says it with `@access`, and the guard asks before the view runs.

A view without the mark is refused at run time and fails `test_every_route_says_who_may_use_it`.
"""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from flask import Flask, current_app, g, request
from uuid_utils import uuid7

from exchange.db.client import token_holder
from exchange.db.link import living_link
from exchange.db.organization import member
from exchange.db.person import UserRow, portal_session
from exchange.db.sealing import digest
from exchange.db.session import now
from exchange.domain.actor import Actor, ActorKind
from exchange.domain.errors import Forbidden, NotFound, Unauthenticated
from exchange.domain.permissions import Permission, permit
from exchange.domain.scopes import Scope, parse_scopes
from exchange.logs import note_request_id
from exchange.web.transaction import config, reading

View = TypeVar("View", bound=Callable[..., Any])

SESSION_COOKIE = "exchange_session"
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
_REQUEST_ID = re.compile(r"[A-Za-z0-9\-_.]{8,64}\Z")


class Who(StrEnum):
    """By what a caller proves who it is."""

    PUBLIC = "anybody"
    PERSON = "a signed-in person"
    CLIENT = "a client with a token"
    MEMBER = "a signed-in person or a client with a token"
    LINK = "the holder of an answer link"
    MONITOR = "the operator's monitoring with its token"


@dataclass(frozen=True, slots=True)
class Access:
    """The mark on a view."""

    who: Who
    permission: Permission | None = None


def access(who: Who, permission: Permission | None = None) -> Callable[[View], View]:
    """Mark a view with who may use it."""

    def mark(view: View) -> View:
        vars(view)["access"] = Access(who, permission)
        return view

    return mark


def guard(app: Flask) -> None:
    """Put the guard in front of every view of an app."""

    @app.before_request
    def ask() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _REQUEST_ID.match(given) else str(uuid7())
        note_request_id(g.request_id)
        g.actor = None
        if request.endpoint is None:
            return
        mark: Access | None = getattr(current_app.view_functions[request.endpoint], "access", None)
        if request.endpoint.endswith("static"):
            return
        if mark is None:
            raise Forbidden("This address does not say who may use it, so nobody may.")
        if mark.who is Who.PUBLIC:
            return
        g.actor = _caller(mark.who)
        if mark.permission is not None:
            permit(g.actor, mark.permission)


def session_secret() -> str:
    """Return what the browser's session cookie holds, empty without one."""
    return request.cookies.get(config().cookie_name(SESSION_COOKIE), "")


def current_actor() -> Actor:
    """Return who is calling. Raises Unauthenticated on a public page."""
    actor: Actor | None = g.get("actor")
    if actor is None:
        raise Unauthenticated("Sign in first.")
    return actor


def current_scopes() -> tuple[Scope, ...]:
    """Return the scopes of the token that came with this request."""
    scopes: tuple[Scope, ...] = g.get("scopes", ())
    return scopes


def _caller(who: Who) -> Actor:
    if who is Who.LINK:
        return _holder((request.view_args or {}).get("token", ""))
    if who is Who.MONITOR:
        return _monitor()
    if who is Who.CLIENT or (who is Who.MEMBER and "Authorization" in request.headers):
        return _client()
    return _person()


def _client() -> Actor:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Send an access token: Authorization: Bearer …", code="login")
    with reading() as session:
        holder = token_holder(session, token.strip())
        if holder is None:
            raise Unauthenticated("This access token is not known: ask for a new one.", code="login")
        if holder.is_revoked or holder.expires_at <= now(session):
            raise Unauthenticated("This access token has expired or was revoked: ask for a new one.", code="expired")
        g.scopes = _scopes_of(holder.scope)
        return Actor(
            ActorKind.CLIENT, holder.organization_id, holder.client_id, holder.client_name,
            scopes=frozenset(holder.scope.split()), organization_kind=holder.organization_kind,
            network_id=holder.network_id, request_id=g.request_id, address=request.remote_addr,
        )  # fmt: skip


@lru_cache(maxsize=1_000)
def _scopes_of(written: str) -> tuple[Scope, ...]:
    """Return the scopes of a grant; there are few different ones, and each comes with every request."""
    return parse_scopes(written)[0]


def _person() -> Actor:
    token = session_secret()
    with reading() as session:
        row = portal_session(session, token) if token else None
        if row is None or row.ended_at or not _is_alive(row.started_at, row.seen_at, now(session)):
            raise Unauthenticated("Sign in to go on: your session has ended, or has not begun.", code="login")
        user = session.get_one(UserRow, row.user_id)
        if user.disabled_at:
            raise Unauthenticated("This account is closed: ask your administrator.", code="login")
        organization = member(session, user.organization_id)
        g.user_id, g.session_seen_at = user.id, row.seen_at
        return Actor(
            ActorKind.USER, user.organization_id, user.id, user.name or user.email, role=user.role,
            organization_kind=organization.kind if organization else None,
            network_id=organization.network_id if organization else None,
            request_id=g.request_id, address=request.remote_addr,
        )  # fmt: skip


def _monitor() -> Actor:
    """Return the operator's monitoring. Without a token in the settings there is no such address."""
    wanted: str | None = current_app.extensions["exchange_metrics_token"]
    if wanted is None:
        raise NotFound("There is nothing at this address.")
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not hmac.compare_digest(digest(token.strip()), wanted):
        raise Unauthenticated("Send the token of EXCHANGE_METRICS_TOKEN_FILE: Authorization: Bearer …", code="login")
    return Actor(ActorKind.OPERATOR, name="monitoring", request_id=g.request_id, address=request.remote_addr)


def _is_alive(started_at: datetime, seen_at: datetime, at: datetime) -> bool:
    return at - seen_at < IDLE and at - started_at < LONGEST


def _holder(token: str) -> Actor:
    with reading() as session:
        link = living_link(session, token, now(session))
        if link is None:
            raise NotFound("This link is not valid any more: ask the sender to send the referral again.")
        return Actor(
            ActorKind.LINK, link.organization_id, None, "the agency, by link", referral_id=link.referral_id,
            source="link", request_id=g.request_id, address=request.remote_addr,
        )  # fmt: skip
