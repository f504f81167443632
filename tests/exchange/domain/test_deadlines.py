"""The clocks: business days skip weekends and holidays, hurried priorities do not."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.actions.referrals.calendar_of import federal_holidays
from exchange.domain.deadlines import Calendar, deadline
from fhir_mapping.case_data.referral import Clock, Priority

CHICAGO = ZoneInfo("America/Chicago")


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=CHICAGO)  # type: ignore[misc,arg-type]


def test_a_routine_answer_is_reminded_after_two_business_days_and_due_after_two_more() -> None:
    friday = local(2026, 6, 5, 16)

    running = deadline(Clock.ANSWER, friday, Calendar())

    assert running.remind_at == local(2026, 6, 9, 16)
    assert running.due_at == local(2026, 6, 11, 16)


@pytest.mark.parametrize(("priority", "hours"), [(Priority.URGENT, 24), (Priority.ASAP, 4), (Priority.STAT, 1)])
def test_a_hurried_answer_is_due_in_calendar_time_without_grace(priority: Priority, hours: int) -> None:
    friday_night = local(2026, 6, 5, 22)

    running = deadline(Clock.ANSWER, friday_night, Calendar(), priority=priority)

    assert (running.due_at, running.remind_at) == (friday_night + timedelta(hours=hours), None)


def test_thanksgiving_is_no_business_day() -> None:
    calendar = Calendar(closed=federal_holidays(2026))

    assert calendar.after_business_days(local(2026, 11, 25, 10), 1) == local(2026, 11, 27, 10)


def test_the_local_time_of_day_stays_over_a_change_of_the_clocks() -> None:
    friday = local(2026, 10, 30, 10)

    assert Calendar().after_business_days(friday, 1).astimezone(CHICAGO) == local(2026, 11, 2, 10)


def test_a_hold_is_reviewed_at_its_date_and_after_thirty_days_at_most() -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)

    assert deadline(Clock.REVIEW, now, Calendar(), until=now + timedelta(days=3)).due_at == now + timedelta(days=3)
    assert deadline(Clock.REVIEW, now, Calendar(), until=now + timedelta(days=300)).due_at == now + timedelta(days=30)


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 12),
    st.frozensets(st.dates(date(2024, 1, 1), date(2030, 2, 1)), max_size=20),
)
def test_a_deadline_falls_on_a_business_day_in_business_hours(
    start: datetime, days: int, closed: frozenset[date]
) -> None:
    calendar = Calendar(closed=closed)

    due = calendar.after_business_days(start, days).astimezone(CHICAGO)

    assert calendar.is_business_day(due.date())
    assert time(9) <= due.time() < time(17)
    assert due >= start - timedelta(microseconds=1)
