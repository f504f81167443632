"""The clocks: how long each side has, in the receiver's business calendar.

Source of the defaults: ARCHITECTURE §4. Business time is weekdays 9 to 17 local, without holidays.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fhir_mapping.case_data.referral import Clock, Priority

REQUESTED_BUSINESS_DAYS: Final = 2
GRACE_BUSINESS_DAYS: Final = 2
START_BUSINESS_DAYS: Final = 5
DECIDE_BUSINESS_DAYS: Final = 2
NEWS_DAYS: Final = 30
HOLD_DAYS: Final = 30
DRAFT_DAYS: Final = 14
HURRIED: Final = {
    Priority.URGENT: timedelta(hours=24),
    Priority.ASAP: timedelta(hours=4),
    Priority.STAT: timedelta(hours=1),
}


@dataclass(frozen=True, slots=True)
class Calendar:
    """When an organisation works. `closed` holds its local holidays and closing days."""

    zone: ZoneInfo = ZoneInfo("America/Chicago")
    closed: frozenset[date] = field(default=frozenset())
    opens: time = time(9)
    closes: time = time(17)

    def is_business_day(self, day: date) -> bool:
        """Return whether the organisation works on this local day."""
        return day.weekday() < 5 and day not in self.closed

    def after_business_days(self, start: datetime, days: int) -> datetime:
        """Return the moment `days` business days after an aware moment, in UTC.

        What begins outside business hours begins at the next opening. The result keeps the local time of day.
        """
        moment = self._next_open(start.astimezone(self.zone))
        day = moment.date()
        while days:
            day += timedelta(days=1)
            days -= self.is_business_day(day)
        return datetime.combine(day, moment.timetz().replace(tzinfo=None), self.zone).astimezone(UTC)

    def _next_open(self, local: datetime) -> datetime:
        day, clock = local.date(), local.time()
        if self.is_business_day(day) and clock < self.closes:
            return datetime.combine(day, max(clock, self.opens), self.zone)
        day += timedelta(days=1)
        while not self.is_business_day(day):
            day += timedelta(days=1)
        return datetime.combine(day, self.opens, self.zone)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A running clock: what it waits for, when the other side is reminded, when it has run out (aware UTC)."""

    clock: Clock
    due_at: datetime
    remind_at: datetime | None = None


def deadline(
    clock: Clock,
    now: datetime,
    calendar: Calendar,
    *,
    priority: Priority = Priority.ROUTINE,
    until: datetime | None = None,
) -> Deadline:
    """Return the deadline that starts now. `until` is the review date of a hold: at most 30 days away."""
    match clock:
        case Clock.ANSWER if priority in HURRIED:
            return Deadline(clock, now + HURRIED[priority])
        case Clock.ANSWER:
            remind_at = calendar.after_business_days(now, REQUESTED_BUSINESS_DAYS)
            return Deadline(clock, calendar.after_business_days(remind_at, GRACE_BUSINESS_DAYS), remind_at)
        case Clock.START:
            return Deadline(clock, calendar.after_business_days(now, START_BUSINESS_DAYS))
        case Clock.NEWS:
            return Deadline(clock, now + timedelta(days=NEWS_DAYS))
        case Clock.REVIEW:
            latest = now + timedelta(days=HOLD_DAYS)
            return Deadline(clock, min(until, latest) if until else latest)
        case Clock.FINISH_DRAFT:
            return Deadline(clock, now + timedelta(days=DRAFT_DAYS))
        case Clock.DECIDE:
            return Deadline(clock, calendar.after_business_days(now, DECIDE_BUSINESS_DAYS))
