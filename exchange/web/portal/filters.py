"""How templates say times, phone numbers, languages and states."""

import re
from datetime import date, datetime
from typing import Any

from flask import Flask
from flask_babel import format_date, format_datetime, get_locale, gettext, ngettext

from directory.languages import language_code, language_name
from exchange.web.portal import wording
from fhir_mapping.case_data.referral import Referral, Stage

SILENT = frozenset({Stage.NO_ANSWER, Stage.UNDELIVERABLE})
_DIGITS = re.compile(r"[^0-9+]")
_NORTH_AMERICAN = re.compile(r"(?:\+?1)?(\d{3})(\d{3})(\d{4})\Z")


def moment(value: datetime | None) -> str:
    """Return a time in the viewer's zone: "Tue 24 Nov, 3:05 PM"; one at the edge of the calendar has a day only."""
    try:
        return format_datetime(value, gettext("EEE d MMM, h:mm a")) if value else ""
    except OverflowError:
        return value.date().isoformat() if value else ""


def day(value: datetime | date | None) -> str:
    """Return a day: "24 November 2026"."""
    return format_date(value, gettext("d MMMM y")) if value else ""


def birth_date(value: str) -> str:
    """Return a FHIR date in words; a year or a month stays as it is written."""
    return format_date(date.fromisoformat(value), gettext("d MMMM y")) if len(value) == 10 else value


def time_left(due_at: datetime | None, now: datetime) -> str:
    """Return how much time is left, or how long it has been over, in the largest whole unit."""
    if due_at is None:
        return ""
    minutes = int(abs((due_at - now).total_seconds()) // 60)
    days, hours = minutes // 1440, minutes // 60
    if days:
        span = ngettext("%(num)d day", "%(num)d days", days)
    elif hours:
        span = ngettext("%(num)d hour", "%(num)d hours", hours)
    else:
        span = ngettext("%(num)d minute", "%(num)d minutes", max(minutes, 1))
    return gettext("%(span)s overdue", span=span) if due_at <= now else gettext("%(span)s left", span=span)


def tel(number: str) -> str:
    """Return a phone number for a `tel:` link: digits and a leading plus."""
    return _DIGITS.sub("", number)[:20]


def phone_number(number: str) -> str:
    """Return a North American number the way it is read aloud; any other as written."""
    found = _NORTH_AMERICAN.match(_DIGITS.sub("", number))
    return f"({found[1]}) {found[2]}-{found[3]}" if found else number


def language(code: str | None) -> str:
    """Return a language by name, in the language of the page where its name is known."""
    if not code:
        return ""
    short, locale = language_code(code), get_locale()
    known: str | None = locale.languages.get(short) if locale else None
    return known or language_name(short)


def chips(referral: Referral) -> list[wording.Chip]:
    """Return where a referral stands: its status and its stage; silence is told instead of a status that waits."""
    found = [] if referral.stage in SILENT else [wording.STATUS[referral.status]]
    return found if referral.stage is None else [*found, wording.STAGE[referral.stage]]


def add_filters(app: Flask) -> None:
    """Give the templates these words."""
    app.jinja_env.filters |= {
        "moment": moment, "day": day, "birth_date": birth_date, "tel": tel, "phone": phone_number,
        "language": language, "need": wording.need_words,
    }  # fmt: skip
    words: dict[str, Any] = {name: getattr(wording, name) for name in dir(wording) if name.isupper()}
    app.jinja_env.globals |= {"words": words, "time_left": time_left, "chips": chips}
