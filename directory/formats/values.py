"""Single values as sources write them, read into the form that HSDS asks for; each repair is named.

A reader takes trimmed text and returns `(value, done)`: `done` is None where nothing had to be done, else a sentence
that says what was; a value of None then means that it could not be used.
"""

import re
from collections.abc import Callable
from datetime import date, datetime

Reading = tuple[str | float | int | None, str | None]
LEFT_OUT = "Left out: "
LONGEST_NAME = 500

_CLOCK = re.compile(r"(\d{1,2})[:.]?(\d{2})?(?::?(\d{2}))?(?:\.\d+)?\s*([ap])?\.?m?\.?\s*(Z|[+-]\d{2}:?\d{2})?", re.I)
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+")
_EXTENSION = re.compile(r"[\s,;]*\b(?:extension|ext|x)\.?\s*(\d{1,7})\s*$", re.I)
_MISREAD = re.compile("[ÃÂ][\u0080-\u00bf\u2018-\u2122]|â€|â€™")
STATUSES = ("active", "inactive", "defunct", "temporarily closed")
LOCATION_TYPES = ("physical", "postal", "virtual")


def text(value: str) -> Reading:
    """Text; UTF-8 that was read as Windows-1252 is put right."""
    if _MISREAD.search(value):
        try:
            return value.encode("cp1252").decode("utf-8"), "Repaired: the letters had been read in the wrong encoding."
        except UnicodeError:
            return value, None
    return value, None


def name(value: str) -> Reading:
    """A name; lists are in the order of names, so one has a longest."""
    if len(value) > LONGEST_NAME:
        return value[:LONGEST_NAME].rstrip(), f"Repaired: cut after {LONGEST_NAME} characters."
    return text(value)


def number(value: str) -> Reading:
    """A decimal number."""
    try:
        return float(value), None
    except ValueError:
        return None, LEFT_OUT + "it is not a number."


def whole_number(value: str) -> Reading:
    """A whole number; `100.0` counts as one."""
    read, done = number(value)
    if isinstance(read, float) and read.is_integer() and abs(read) < 1e9:
        return int(read), None
    return None, done or LEFT_OUT + "it is not a whole number."


def latitude(value: str) -> Reading:
    """Degrees between -90 and 90."""
    return _degrees(value, 90)


def longitude(value: str) -> Reading:
    """Degrees between -180 and 180."""
    return _degrees(value, 180)


def _degrees(value: str, limit: int) -> Reading:
    read, done = number(value)
    if isinstance(read, float) and not -limit <= read <= limit:
        return None, LEFT_OUT + f"it lies outside -{limit} and {limit} degrees."
    return read, done


def day(value: str) -> Reading:
    """A date, YYYY-MM-DD; a time behind it is cut off."""
    try:
        return date.fromisoformat(value[:10]).isoformat(), None
    except ValueError:
        return None, LEFT_OUT + "it is not a date of the form YYYY-MM-DD."


def moment(value: str) -> Reading:
    """A date with or without a time, ISO 8601, kept as written."""
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return None, LEFT_OUT + "it is not a time of the form YYYY-MM-DDTHH:MM:SSZ."
    return value, None


def clock(value: str) -> Reading:
    """A time of day as HH:MM, followed by Z or ±HH:MM where an offset is given; 24:00 is the day's end."""
    match = _CLOCK.fullmatch(value)
    if match is None:
        return None, LEFT_OUT + "it is not a time of day of the form HH:MM."
    hour, minute = int(match[1]), int(match[2] or 0)
    half = (match[4] or "").lower()
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute) or (not match[2] and not half):
        return None, LEFT_OUT + "it is not a time of day of the form HH:MM."
    offset = (match[5] or "").upper()
    if len(offset) == 5:
        offset = offset[:3] + ":" + offset[3:]
    repaired = None if re.match(r"\d{2}:\d{2}(:\d{2})?", value) and not half else "Repaired: written as HH:MM."
    return f"{hour:02d}:{minute:02d}{offset}", repaired


def email(value: str) -> Reading:
    """One e-mail address."""
    if _EMAIL.fullmatch(value):
        return value, None
    found = _EMAIL.findall(value.removeprefix("mailto:"))
    if found:
        return found[0], "Repaired: the first e-mail address in it was taken."
    return None, LEFT_OUT + "it is not an e-mail address."


def find_email(prose: str) -> str | None:
    """Return the first e-mail address in running text."""
    found = _EMAIL.search(prose)
    return found[0].rstrip(".,;:") if found else None


def phone_number(value: str) -> Reading:
    """A number to call, as written; it must hold at least three digits (211 is one)."""
    bare = value.strip('"').strip()
    if sum(letter.isdigit() for letter in bare) < 3:
        return None, LEFT_OUT + "there is no number to call in it."
    return bare, None if bare == value else "Repaired: quotation marks were taken away."


def split_extension(number_text: str) -> tuple[str, str | None]:
    """Return a phone number and the extension that was written behind it."""
    match = _EXTENSION.search(number_text)
    return (number_text[: match.start()].strip(), match[1]) if match else (number_text, None)


def extension(value: str) -> Reading:
    """The digits to dial after the number."""
    digits = re.sub(r"\.0$", "", value)
    found = re.search(r"\d{1,7}", digits)
    if found is None:
        return None, LEFT_OUT + "there are no digits in it."
    return found[0], None if found[0] == digits else "Repaired: only the digits were kept."


def status(value: str) -> Reading:
    """One of the four states of a service."""
    folded = value.lower().replace("_", " ").replace("-", " ")
    if folded in STATUSES:
        return folded, None if folded == value else "Repaired: written as HSDS writes it."
    return "inactive", "Read as inactive: it is not a status that HSDS knows."


def location_type(value: str) -> Reading:
    """Physical, postal or virtual."""
    if value.lower() in LOCATION_TYPES:
        return value.lower(), None if value.islower() else "Repaired: written in lower case."
    return "physical", "Read as physical: it is not a type of location that HSDS knows."


# What a field is read by, by its name; every other field by the type that its record gives it.
BY_FIELD: dict[str, Callable[[str], Reading]] = {
    "name": name,
    "latitude": latitude,
    "longitude": longitude,
    "valid_from": day,
    "valid_to": day,
    "assured_date": day,
    "dtstart": day,
    "until": day,
    "last_modified": moment,
    "opens_at": clock,
    "closes_at": clock,
    "email": email,
    "number": phone_number,
    "extension": extension,
    "status": status,
    "location_type": location_type,
}
BY_TYPE: dict[type, Callable[[str], Reading]] = {str: text, float: number, int: whole_number}
