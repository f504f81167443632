"""Who is it? Asked before the transaction that signs in, so that no hash is computed while others wait to write."""

from sqlalchemy.orm import Session

from exchange.actions.people.passwords import is_right
from exchange.actions.people.throttle import refuse_too_many
from exchange.db.person import user_by_email


def check_password(session: Session, email: str, password: str, address: str) -> str | None:
    """Return the user id of an address with its right password, None when either is wrong. Reads only.

    It takes the same time for an unknown address, an invited person and a closed account. Raises TooMany.
    """
    refuse_too_many(session, email, address)
    user = user_by_email(session, email)
    may_sign_in = user is not None and user.disabled_at is None
    right = is_right(user.password_hash if user is not None and may_sign_in else None, password)
    return user.id if user is not None and right else None
