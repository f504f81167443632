"""Finds services: by what is needed and by the cell of the map first, then row by row.

The side table gives candidates with their distance; only as many services are opened as the page needs. Paging is by
key, never by number: `next_after` holds the rank, name and id of the page's last hit, and the ranking is made anew.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from directory.candidates import Candidate, Wanted, find
from directory.errors import BadQuery
from directory.geography import LARGEST_RADIUS_KM, Point, is_point, zip_centroid
from directory.judging import Hit, Opened, judge, open_services
from directory.lookup import category_term
from directory.tables import ServiceRow
from directory.taxonomy import BY_CODE, DOMAINS
from directory.words import words

LARGEST_PAGE = 200
OPENED_AT_ONCE = 50
COUNTED = 500  # candidates that are opened only to give a total


@dataclass(frozen=True)
class Query:
    """What is sought. Everything may be left out; what is given must hold.

    `need` is a code of directory.taxonomy or an SDOHCC category. The place is `zip_code` or `point`; without one the
    whole directory is searched, up to a cap. `language` is a code or a name. `open_at` keeps what is open then, or may
    be. `age` (years) leaves out what is for others. `accepts_referrals` keeps what can be reached and has room.
    `now` is for the words about opening hours and freshness.
    """

    now: datetime
    text: str | None = None
    need: str | None = None
    zip_code: str | None = None
    point: Point | None = None
    radius_km: float = 25.0
    language: str | None = None
    open_at: datetime | None = None
    age: float | None = None
    accepts_referrals: bool = False
    organization_id: str | None = None
    limit: int = 20
    after: str | None = None

    @property
    def checks_rows(self) -> bool:
        """Whether a service must be opened to know that it is a hit."""
        return bool(
            self.language or self.open_at or self.age is not None or self.accepts_referrals or self.organization_id
        )


@dataclass(frozen=True)
class Page:
    """Hits, best first. `total` is None where counting would cost more than it tells; `notes` are sentences."""

    hits: tuple[Hit, ...]
    total: int | None
    next_after: str | None
    capped: bool
    notes: tuple[str, ...]


class _Key(NamedTuple):
    rank: float
    name: str
    service_id: str


def search(session: Session, query: Query) -> Page:
    """Return the best hits. Raises BadQuery, whose sentence says what to give instead."""
    here = _place(query)
    wanted = Wanted(words(query.text or ""), _need_term(query.need), here, query.radius_km)
    _check(query, wanted)
    behind = _read_key(query.after) if query.after is not None else None
    candidates, capped = find(session, wanted)
    notes = []
    if not candidates and query.need in BY_CODE:
        need = BY_CODE[query.need]
        candidates, capped = find(session, wanted._replace(need_term=f"domain:{need.domain}"))
        if candidates:
            notes.append(f"Nothing is listed here for {need.name.lower()}: these services answer related needs.")
    if capped:
        notes.append("Only the first matches were compared: give a ZIP code, a need or more words to see the best.")
    ranked = _ranked(session, candidates, with_names=here is None)
    later = ranked if behind is None else [(key, found) for key, found in ranked if key > behind]
    found = _hits(session, query, later)
    hits = list(islice(found, query.limit + 1))
    notes += _advice(query, here, ranked, hits)
    page, more = hits[: query.limit], len(hits) > query.limit
    total = None
    if not capped and not query.checks_rows:
        total = len(ranked)
    elif not capped and query.after is None and len(ranked) <= COUNTED:
        total = len(hits) + sum(1 for _ in found)
    next_after = json.dumps(page[-1][0]) if more and page else None
    return Page(tuple(hit for _, hit in page), total, next_after, capped, tuple(notes))


def _place(query: Query) -> Point | None:
    if query.point is not None:
        if not is_point(*query.point):
            raise BadQuery("A place is a latitude between -90 and 90 and a longitude between -180 and 180 degrees.")
        return query.point
    if query.zip_code is None:
        return None
    centre = zip_centroid(query.zip_code)
    if centre is None:
        raise BadQuery("There is no such ZIP code; give the five digits of a US ZIP code, or a place by coordinates.")
    return centre


def _need_term(need: str | None) -> str | None:
    if need is None:
        return None
    if need not in BY_CODE and need not in DOMAINS:
        raise BadQuery(f"There is no such need; give one of {', '.join(sorted({*BY_CODE, *DOMAINS}))}.")
    return category_term(need)


def _check(query: Query, wanted: Wanted) -> None:
    if not 0 < query.radius_km <= LARGEST_RADIUS_KM:
        raise BadQuery(f"The radius must be more than 0 and at most {LARGEST_RADIUS_KM:.0f} kilometres.")
    if not 1 <= query.limit <= LARGEST_PAGE:
        raise BadQuery(f"A page has between 1 and {LARGEST_PAGE} hits.")
    if query.text and query.text.strip() and not wanted.words:
        raise BadQuery("The words searched for say nothing by themselves; give what is needed, such as food or rent.")


def _ranked(session: Session, candidates: list[Candidate], *, with_names: bool) -> list[tuple[_Key, Candidate]]:
    """Return the candidates in order. Without a place names break the many ties; with one the distance does."""
    names: dict[str, str] = {}
    if with_names:
        for start in range(0, len(candidates), 500):
            ids = [candidate.service_id for candidate in candidates[start : start + 500]]
            found = select(ServiceRow.id, ServiceRow.name_folded).where(ServiceRow.id.in_(ids))
            names |= {id: name for id, name in session.execute(found)}
    keyed = [(_Key(round(c.rank, 6), names.get(c.service_id, ""), c.service_id), c) for c in candidates]
    return sorted(keyed, key=lambda pair: pair[0])


def _read_key(after: str) -> _Key:
    try:
        rank, name, service_id = json.loads(after)
        return _Key(float(rank), str(name), str(service_id))
    except (ValueError, TypeError):
        raise BadQuery("This page cannot be continued; start the search again.") from None


def _hits(session: Session, query: Query, ranked: list[tuple[_Key, Candidate]]) -> Iterator[tuple[_Key, Hit]]:
    """Return the hits one after the other, opening services only as far as they are asked for."""
    size = min(query.limit + 1, OPENED_AT_ONCE)
    for start in range(0, len(ranked), size):
        some = ranked[start : start + size]
        opened: dict[str, Opened] = open_services(session, [candidate for _, candidate in some])
        for key, candidate in some:
            hit = judge(opened[candidate.service_id], candidate, query) if candidate.service_id in opened else None
            if hit is not None:
                yield key, hit


def _advice(
    query: Query, here: Point | None, ranked: list[tuple[_Key, Candidate]], hits: list[tuple[_Key, Hit]]
) -> Iterator[str]:
    if hits:
        return
    if ranked and query.after is None:
        yield "Services were found, but none of them fits every filter: leave out the language, the hours or the age."
    elif here is not None and query.after is None:
        yield f"Nothing was found within {query.radius_km:g} km: search in a wider circle, or with other words."
    elif query.after is None:
        yield "Nothing was found: search with other words or for another need."
