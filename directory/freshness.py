"""How old what we know is, in words."""

from datetime import date

STALE_AFTER_DAYS = 365


def days_since(verified: str | None, today: date) -> int | None:
    """Return the days since an ISO date (or the date part of a time), None if there is none or it cannot be read."""
    try:
        return (today - date.fromisoformat((verified or "")[:10])).days
    except ValueError:
        return None


def freshness(verified: str | None, today: date) -> str:
    """Return a sentence on how long ago the entry was checked."""
    days = days_since(verified, today)
    if days is None or days < 0:
        return "It is not known when this entry was last checked."
    if days > STALE_AFTER_DAYS:
        return f"This entry was last checked {days // 365} year{'s' if days >= 730 else ''} ago: call before you send."
    return "This entry was checked today." if days == 0 else f"This entry was checked {days} day{'s' * (days > 1)} ago."
