"""Open, closed or not known: through the night, round the clock, by appointment."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.opening_hours import WEEKDAYS, is_open, occurs_on
from directory.records import Schedule

ZONE = "America/Chicago"


def at(text: str) -> datetime:
    """A local time in the zone of the tests; 2026-11-23 is a Monday."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE))


def weekly(days: str, opens: str | None, closes: str | None, **more: object) -> Schedule:
    return Schedule(freq="WEEKLY", byday=days, opens_at=opens, closes_at=closes, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("schedules", "when", "answer"),
    [
        ((), "2026-11-23T12:00", None),
        ((weekly("MO", "09:00", "17:00"),), "2026-11-23T08:59", False),
        ((weekly("MO", "09:00", "17:00"),), "2026-11-23T09:00", True),
        ((weekly("MO", "09:00", "17:00"),), "2026-11-23T17:00", False),
        ((weekly("MO", "09:00", "17:00"),), "2026-11-24T12:00", False),
        ((weekly("MO", "18:00", "07:00"),), "2026-11-24T06:59", True),
        ((weekly("MO", "18:00", "07:00"),), "2026-11-24T07:00", False),
        ((weekly("MO", "18:00", "07:00"),), "2026-11-23T06:00", False),
        ((weekly("MO", "00:00", "24:00"),), "2026-11-23T23:59", True),
        ((weekly("MO", "23:00", "22:59"),), "2026-11-24T22:59", True),
        ((weekly("MO", "09:00", None),), "2026-11-23T12:00", None),
        ((Schedule(description="By appointment."),), "2026-11-23T12:00", None),
        ((weekly("someday", "09:00", "17:00"),), "2026-11-23T12:00", None),
        ((weekly("TU", "09:00", "17:00"), Schedule(description="or call")), "2026-11-23T12:00", None),
        ((weekly("MO", "09:00", "17:00"), Schedule(description="or call")), "2026-11-23T12:00", True),
        ((weekly("MO", "09:00", "17:00", valid_to="2020-01-01"),), "2026-11-23T12:00", None),
        ((weekly("MO", "09:00", "17:00", valid_from="2027-01-01"),), "2026-11-23T12:00", None),
        ((weekly("MO", "15:00Z", "23:00Z"),), "2026-11-23T09:30", True),
        ((weekly("MO", "09:00-05:00", "17:00-05:00"),), "2026-11-23T08:30", True),
        ((weekly("MO", "09:00", "17:00", timezone=-5.0),), "2026-11-23T08:30", True),
        ((weekly("MO", "09:00", "17:00", dtstart="2026-11-16", interval=2),), "2026-11-23T12:00", False),
        ((weekly("MO", "09:00", "17:00", dtstart="2026-11-09", interval=2),), "2026-11-23T12:00", True),
        ((weekly("MO", "09:00", "17:00", interval=2),), "2026-11-23T12:00", None),
    ],
)
def test_whether_a_place_is_open(schedules: tuple[Schedule, ...], when: str, answer: bool | None) -> None:
    assert is_open(schedules, at(when), ZONE) is answer


@pytest.mark.parametrize(("day", "happens"), [(7, True), (14, False), (6, False)])
def test_the_first_saturday_of_a_month(day: int, happens: bool) -> None:
    assert occurs_on(Schedule(freq="MONTHLY", byday="1SA"), date(2026, 11, day)) is happens


def test_a_rule_that_makes_no_sense_is_not_known() -> None:
    assert occurs_on(Schedule(freq="MONTHLY", bymonthday="forty"), date(2026, 11, 7)) is None
    assert occurs_on(Schedule(freq="DAILY", byday="MO", count=3, dtstart="2026-01-01"), date(2026, 11, 7)) is None


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="A time must carry its zone"):
        is_open((), datetime(2026, 11, 23), ZONE)


@given(
    opens=st.integers(0, 1439),
    length=st.integers(1, 1438),
    days=st.sets(st.sampled_from(WEEKDAYS), min_size=1),
    minute=st.integers(0, 7 * 1440 - 1),
)
def test_a_place_is_open_exactly_while_one_of_its_shifts_lasts(
    opens: int, length: int, days: set[str], minute: int
) -> None:
    closes = (opens + length) % 1440
    schedule = weekly(",".join(days), f"{opens // 60:02}:{opens % 60:02}", f"{closes // 60:02}:{closes % 60:02}")
    monday = datetime(2026, 11, 23, tzinfo=UTC)

    answer = is_open([schedule], monday + timedelta(minutes=minute), "UTC")

    starts = {(WEEKDAYS.index(day) * 1440 + opens) for day in days}
    assert answer is any((minute - start) % (7 * 1440) < length for start in starts)
