"""A shelf without a search table: a narrowed stream in key order, judged one by one, as far as the page needs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy.orm import Session

from exchange.db.search import Alternative, Criterion, Page
from exchange.web.fhir.shelves.matching import matches
from exchange.web.fhir.shown import Shown, projected
from fhir_mapping.json_text import Json

Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Projection:
    """A resource made from rows. `last_updated` is in microseconds; `whole` makes what a reader gets, where the
    `resource` that is judged leaves out what costs more to find and was not asked about."""

    last_updated: int
    resource: Json
    whole: Callable[[], Json] | None = None

    @property
    def key(self) -> Key:
        """The place in the order of every stream."""
        return self.last_updated, self.resource["id"]

    def shown(self) -> Shown:
        """Return the resource as a reader gets it."""
        return projected(self.whole() if self.whole else self.resource, self.last_updated)


One = Callable[[Session, str, str], Projection | None]
Stream = Callable[[Session, str, tuple[Criterion, ...], Key | None], Iterator[Projection]]


@dataclass(frozen=True, slots=True)
class Scanned:
    """`one(session, viewer, id)` returns a projection; `stream(session, viewer, criteria, after)` yields those behind
    a key in the order of (last_updated, id), at least all that meet the criteria."""

    one: One
    stream: Stream

    def read(self, session: Session, viewer: str, _type_name: str, document_id: str) -> Shown | None:
        """Return one projection by its id."""
        found = self.one(session, viewer, document_id)
        return None if found is None else found.shown()

    def find(
        self, session: Session, viewer: str, _type_name: str, criteria: tuple[Criterion, ...], page: Page
    ) -> list[Shown]:
        """Return the matches of a page and one more, when there is more, oldest first."""
        found = islice(self._matching(session, viewer, criteria, page.after), page.limit + 1)
        return [one.shown() for one in found]

    def count(
        self, session: Session, viewer: str, _type_name: str, criteria: tuple[Criterion, ...], _watermark: int
    ) -> int:
        """Return how many match: by looking at each."""
        return sum(1 for _one in self._matching(session, viewer, criteria, None))

    def _matching(
        self, session: Session, viewer: str, criteria: tuple[Criterion, ...], after: Key | None
    ) -> Iterator[Projection]:
        stream = self.stream(session, viewer, criteria, after)
        return (one for one in stream if matches(one.resource, one.last_updated, criteria))


def asked(criteria: tuple[Criterion, ...], code: str) -> tuple[Alternative, ...] | None:
    """Return the alternatives of the first plain criterion of a code: by them a stream may be narrowed."""
    return next((one.alternatives for one in criteria if one.parameter.code == code and not one.modifier), None)


def asked_ids(criteria: tuple[Criterion, ...], code: str, type_name: str) -> list[str] | None:
    """Return the ids of one type that a reference criterion names; None when it names another type, or is absent."""
    values = [one.value or "" for one in asked(criteria, code) or ()]
    if not values or not all(value.startswith(f"{type_name}/") for value in values):
        return None
    return [value.removeprefix(f"{type_name}/") for value in values]


def asked_since(criteria: tuple[Criterion, ...], code: str) -> int | None:
    """Return the moment (microseconds) before which nothing meets a single date."""
    dates = asked(criteria, code) or ()
    return dates[0].low if len(dates) == 1 and dates[0].prefix in ("eq", "ge", "gt", "sa") else None


def asked_before(criteria: tuple[Criterion, ...], code: str) -> int | None:
    """Return the moment (microseconds) from which on nothing meets a single date."""
    dates = asked(criteria, code) or ()
    return dates[0].high if len(dates) == 1 and dates[0].prefix in ("eq", "le", "lt", "eb") else None
