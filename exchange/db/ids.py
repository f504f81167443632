"""Ids are ours: UUIDv7, in the order of time (RFC 9562 §5.7)."""

import secrets

from uuid_utils import uuid7


def new_id() -> str:
    """Return a new id as text."""
    return str(uuid7())


def new_secret() -> str:
    """Return 128 random bits as text safe in a URL: a link, a token, a session."""
    return secrets.token_urlsafe(16)
