"""The business calendar of an organisation: its time zone, federal holidays and its own closing days."""

from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

from exchange.actions.directory.find_organization import OrganizationFacts
from exchange.domain.deadlines import Calendar


def calendar_of(facts: OrganizationFacts | None, year: int) -> Calendar:
    """Return the calendar that an organisation's clocks run in, for deadlines that begin in `year`."""
    if facts is None:
        return Calendar(closed=federal_holidays(year))
    try:
        zone = ZoneInfo(facts.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = Calendar().zone
    own = frozenset(date.fromisoformat(day) for day in facts.closed_days)
    return Calendar(zone=zone, closed=federal_holidays(year) | own)


@lru_cache(maxsize=8)
def federal_holidays(year: int) -> frozenset[date]:
    """Return the federal holidays of a year and the next (5 U.S.C. 6103), as observed."""
    return frozenset(holidays.country_holidays("US", years=(year, year + 1)).keys())
