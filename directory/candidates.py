"""The first half of a search: services that are listed under what is sought, in the cells where it is sought."""

from collections import defaultdict
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from directory.geography import Point, cells_around, distance_km
from directory.indexing import ANY
from directory.tables import ServicePlaceRow
from directory.words import synonyms

MOST_ROWS = 20_000  # of the side table that one search may read
TEXT_ONLY_KM = 5.0  # a word that stands only in the description counts like being this much farther away
SYNONYM_KM = 2.0  # and one that is only meant, not said


class Wanted(NamedTuple):
    """Telling words (all must be found), a term of the side table, and a circle; None and () mean "any"."""

    words: tuple[str, ...]
    need_term: str | None
    here: Point | None
    radius_km: float


class Candidate(NamedTuple):
    """A service at its nearest place. `rank` is kilometres, the smaller the better; `named` are words its names say."""

    service_id: str
    location_id: str | None
    distance_km: float | None
    is_approximate: bool
    rank: float
    named: tuple[str, ...]
    told: tuple[str, ...]


_Place = tuple[str, int]
_Row = tuple[str, str, int, str | None, float | None, float | None, bool]


def find(session: Session, wanted: Wanted) -> tuple[list[Candidate], bool]:
    """Return each candidate once, and whether a cap cut them off."""
    places, capped = _places(session, wanted, [wanted.need_term or ANY] if wanted.need_term or not wanted.words else [])
    penalties: dict[_Place, float] = {}
    named: dict[_Place, tuple[str, ...]] = defaultdict(tuple)
    told: dict[_Place, tuple[str, ...]] = defaultdict(tuple)
    first = not (wanted.need_term or not wanted.words)
    for word in wanted.words:
        costs = _costs(word)
        found, cut = _places(session, wanted, list(costs))
        capped |= cut
        best: dict[_Place, tuple[float, str]] = {}
        for place, rows in found.items():
            best[place] = min((costs[row[0]], row[0]) for row in rows)
        places = found if first else {place: rows for place, rows in places.items() if place in best}
        first = False
        for place in places:
            cost, term = best[place]
            penalties[place] = penalties.get(place, 0.0) + cost
            target = named if term.startswith("word:") else told
            target[place] = (*target[place], term.split(":", 1)[1])
    return _nearest(wanted, places, penalties, named, told), capped


def _costs(word: str) -> dict[str, float]:
    """Return the terms that a word is found under, with what each costs."""
    costs: dict[str, float] = {}
    for meant in synonyms(word):
        extra = 0.0 if meant == word else SYNONYM_KM
        costs[f"word:{meant}"] = extra
        costs[f"text:{meant}"] = extra + TEXT_ONLY_KM
    return costs


def _places(session: Session, wanted: Wanted, terms: list[str]) -> tuple[dict[_Place, list[_Row]], bool]:
    """Return the side table's rows under some terms, by (service, number of its place)."""
    if not terms:
        return {}, False
    rows = session.execute(_statement(wanted, terms)).all()
    found: dict[_Place, list[_Row]] = defaultdict(list)
    for row in rows[:MOST_ROWS]:
        found[row[1], row[2]].append((row[0], row[1], row[2], row[3], row[4], row[5], row[6]))
    return found, len(rows) > MOST_ROWS


def _statement(wanted: Wanted, terms: list[str]) -> Any:
    row = ServicePlaceRow
    columns = (row.term, row.service_id, row.place, row.location_id, row.latitude, row.longitude, row.is_approximate)
    statement = select(*columns).where(row.term.in_(terms))
    if wanted.here is not None:
        statement = statement.where(row.cell.in_(cells_around(wanted.here, wanted.radius_km)))
    return statement.limit(MOST_ROWS + 1)


def _nearest(
    wanted: Wanted,
    places: dict[_Place, list[_Row]],
    penalties: dict[_Place, float],
    named: dict[_Place, tuple[str, ...]],
    told: dict[_Place, tuple[str, ...]],
) -> list[Candidate]:
    """Return each service at the place where it ranks best, within the circle."""
    best: dict[str, Candidate] = {}
    for place, rows in places.items():
        _, service_id, _, location_id, latitude, longitude, approximate = rows[0]
        distance = None
        if wanted.here is not None and latitude is not None and longitude is not None:
            distance = distance_km(wanted.here, Point(latitude, longitude))
            if distance > wanted.radius_km:
                continue
        rank = (distance or 0.0) + penalties.get(place, 0.0)
        if service_id not in best or rank < best[service_id].rank:
            found = (tuple(dict.fromkeys(named[place])), tuple(dict.fromkeys(told[place])))
            best[service_id] = Candidate(service_id, location_id, distance, approximate, rank, *found)
    return list(best.values())
