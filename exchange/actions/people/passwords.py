"""Passwords: argon2id hashes, and the rules a new one must keep.

Parameters: OWASP Password Storage Cheat Sheet, argon2id with 19 MiB, two rounds, one lane. Rules: NIST SP 800-63B-4
§3.1.1.2: fifteen characters where the password stands alone, no rules of composition, a list of the very common.
"""

import re
import unicodedata
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from exchange.db.ids import new_secret
from exchange.domain.errors import Unprocessable

SHORTEST: Final = 15
LONGEST: Final = 256
FEWEST_DIFFERENT: Final = 6
#  long passwords that everybody thinks of are made of these; what is left without them must still be long enough
COMMON_WORDS: Final = (
    "password", "passwort", "passphrase", "contrasena", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwerty", "asdf", "zxcv",
    "letmein", "welcome", "administrator", "admin", "iloveyou", "sunshine", "princess", "football", "baseball",
    "monkey", "dragon", "trustno", "superman", "batman", "master", "shadow", "michael", "jordan", "changeme", "default",
    "secret", "login", "hospital", "agency", "referral", "exchange", "summer", "winter", "spring", "autumn",
    "abcdefghijklmnop", "abcdef", "correcthorsebatterystaple", "correct", "horse", "battery", "staple",
    "nothing", "please", "hello",
)  # fmt: skip
FEWEST_OWN_LETTERS: Final = 5
_NOT_LETTERS: Final = re.compile(r"[^a-z]+")


def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, salt and parameters included."""
    return _hasher().hash(_normal(password))


def is_right(password_hash: str | None, password: str) -> bool:
    """Return whether a password is the one of this hash. Without a hash it takes as long, and is never right."""
    try:
        matches = _hasher().verify(password_hash or _hash_of_nobody(), _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return matches and password_hash is not None


def refuse_weak(password: str, *, email: str) -> None:
    """Raise Unprocessable, with a sentence, for a password that is too short, too long or too easy to think of."""
    if len(password) < SHORTEST:
        raise Unprocessable(
            f"Choose a password of {SHORTEST} characters or more: it is the only lock on this account. "
            "A sentence of four or five words is easy to remember.",
            expression="password",
        )
    if len(password) > LONGEST:
        raise Unprocessable(f"Choose a password of at most {LONGEST} characters.", expression="password")
    if _is_common(password, email):
        raise Unprocessable(
            "This password is among the first that somebody would try: choose words that have nothing to do with your "
            "address, this exchange or the keyboard.",
            expression="password",
        )


def _is_common(password: str, email: str) -> bool:
    folded = unicodedata.normalize("NFKD", password).casefold()
    if len(set(folded)) < FEWEST_DIFFERENT:
        return True
    own = _NOT_LETTERS.sub("", folded)
    known = [_NOT_LETTERS.sub("", part) for part in re.split(r"[@.]", email.casefold())]
    for word in sorted({*COMMON_WORDS, *(part for part in known if len(part) > 2)}, key=len, reverse=True):
        own = own.replace(word, "")
    return len(own) < FEWEST_OWN_LETTERS and folded.isascii()


def _normal(password: str) -> str:
    """Return one form of a password, however a keyboard composes its accents (SP 800-63B-4: normalise)."""
    return unicodedata.normalize("NFKC", password)


@cache
def _hash_of_nobody() -> str:
    return _hasher().hash(new_secret())
