"""Whether a place is open: yes, no, or not known. Past midnight and round the clock included.

Not known is an answer: a service without hours, or "by appointment", is neither open nor closed.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil import rrule

from directory.records import Schedule

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
DAY = timedelta(days=1)
_BYDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_TIME = re.compile(r"(\d{2}):(\d{2})(Z|[+-]\d{2}:\d{2})?")
_FREQUENCIES: dict[str, Literal[1, 2]] = {"WEEKLY": rrule.WEEKLY, "MONTHLY": rrule.MONTHLY}


def is_open(schedules: Iterable[Schedule], at: datetime, zone: str) -> bool | None:
    """Return whether one of the schedules is open at a time; None where that is not known.

    `at` is an aware time, `zone` the IANA zone of the place, used for times that carry no offset. A schedule that is no
    longer, or not yet, valid says nothing. Raises ValueError for a naive time.
    """
    if at.tzinfo is None:
        raise ValueError("A time must carry its zone; give an aware UTC datetime.")
    answers = [_is_open(schedule, at, zone) for schedule in schedules]
    said = [answer for answer in answers if answer != "expired"]
    if True in said:
        return True
    return None if not said or None in said else False


def _is_open(schedule: Schedule, at: datetime, zone: str) -> bool | None | str:
    opens, closes = _clock(schedule.opens_at), _clock(schedule.closes_at)
    local = at.astimezone(_zone(schedule, zone))
    if _is_expired(schedule, local.date()):
        return "expired"
    if opens is None or closes is None:
        return None
    length = closes - opens
    if length <= timedelta(0):  # past midnight; the same time twice, or 23:00-22:59, is round the clock
        length += DAY
    if length >= DAY - timedelta(minutes=1):
        length = DAY
    answers = []
    for start in (local.date(), local.date() - DAY):
        happens = occurs_on(schedule, start)
        moment = local.replace(tzinfo=None) - datetime.combine(start, time())
        answers.append(happens and opens <= moment < opens + length if happens is not None else None)
    return True if True in answers else None if None in answers else False


def _clock(text: str | None) -> timedelta | None:
    match = _TIME.fullmatch(text or "")
    return timedelta(hours=int(match[1]), minutes=int(match[2])) if match else None


def _zone(schedule: Schedule, zone: str) -> tzinfo:
    match = _TIME.fullmatch(schedule.opens_at or "")
    offset = match[3] if match else None
    if offset == "Z":
        return UTC
    if offset:
        sign = -1 if offset[0] == "-" else 1
        return timezone(sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[4:])))
    if schedule.timezone is not None and abs(schedule.timezone) < 24:
        return timezone(timedelta(hours=schedule.timezone))
    return ZoneInfo(zone)


def _is_expired(schedule: Schedule, today: date) -> bool:
    first, last = _date(schedule.valid_from), _date(schedule.valid_to)
    return (first is not None and today < first) or (last is not None and today > last)


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def occurs_on(schedule: Schedule, day: date) -> bool | None:
    """Return whether a schedule has a start on a day; None where its rule cannot be understood."""
    if schedule.freq is None and schedule.byday is None:
        return None
    days = _days(schedule.byday)
    if days is None:
        return None
    # A plain weekly rule, by far the commonest, needs no calendar.
    special = (schedule.dtstart, schedule.until, schedule.count, schedule.byweekno, schedule.bymonthday)
    plain = not any(special) and not schedule.byyearday and schedule.interval in (None, 1)
    if plain and schedule.freq in (None, "WEEKLY") and days:
        return any(weekday == day.weekday() for _, weekday in days)
    return _occurs_by_rule(schedule, day, days)


def _days(byday: str | None) -> list[tuple[int, int]] | None:
    found = []
    for part in (byday or "").replace(" ", "").upper().split(","):
        match = _BYDAY.fullmatch(part)
        if match:
            found.append((int(match[1] or 0), WEEKDAYS.index(match[2])))
        elif part:
            return None
    return found


def _occurs_by_rule(schedule: Schedule, day: date, days: list[tuple[int, int]]) -> bool | None:
    first = _date(schedule.dtstart)
    needs_start = (schedule.interval or 1) > 1 or schedule.count or not (days or schedule.bymonthday)
    if (first is None and needs_start) or (schedule.freq or "WEEKLY") not in _FREQUENCIES:
        return None
    until = _date(schedule.until)
    start = first or date(day.year - 1, 1, 1)
    try:
        rule = rrule.rrule(
            _FREQUENCIES[schedule.freq or "WEEKLY"],
            dtstart=datetime.combine(start, time()),
            interval=max(schedule.interval or 1, 1),
            wkst=rrule.weekday(WEEKDAYS.index(schedule.wkst) if schedule.wkst in WEEKDAYS else 0),
            count=schedule.count,
            until=datetime.combine(until, time()) if until and not schedule.count else None,
            byweekday=[rrule.weekday(weekday, nth or None) for nth, weekday in days] or None,
            bymonthday=_numbers(schedule.bymonthday),
            byweekno=_numbers(schedule.byweekno),
            byyearday=_numbers(schedule.byyearday),
        )
    except ValueError:
        return None
    at = datetime.combine(day, time())
    return bool(rule.between(at, at, inc=True))


def _numbers(text: str | None) -> list[int] | None:
    return [int(part) for part in text.split(",")] if text else None
