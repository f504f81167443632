"""Search of one type, by GET and by POST _search; keyset paging below a watermark.

A search shows nothing newer than its `meta.lastUpdated`, so that a poller who asks `_lastUpdated=ge` it the next time
misses nothing (ARCHITECTURE §2). Source: http://hl7.org/fhir/R4/search.html.
"""

import json
from collections.abc import Iterable
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from exchange.actions.documents.keep_document import instant_text
from exchange.db.search import Page
from exchange.db.session import fhir_base, keys, now
from exchange.domain.errors import Malformed
from exchange.web.audit_trail import note_read
from exchange.web.fhir.asking import Ask
from exchange.web.fhir.page_tokens import PlaceInSearch, page_token, place_of
from exchange.web.fhir.read import note_shown
from exchange.web.fhir.refusals import unknown_parameters
from exchange.web.fhir.replying import Reply, address
from exchange.web.fhir.search_wish import OF_THE_FORM, Include, SearchWish, read_wish
from exchange.web.fhir.shelves import catalogue
from exchange.web.fhir.shown import Shown
from exchange.web.guard import current_actor
from fhir_mapping.bundle import Found, operation_outcome, searchset
from fhir_mapping.json_text import JsonText, dump
from fhir_mapping.references import local_reference
from fhir_mapping.search_parameters import extract


def search_type(session: Session, ask: Ask) -> Reply:
    """Return a page of a searchset. Raises Malformed, Forbidden for a page of another organisation."""
    viewer = current_actor().organization_id or ""
    place = _place(session, ask, viewer)
    wish = read_wish(ask.type_name, place.pairs if place else ask.pairs, fhir_base=fhir_base(session))
    if wish.unknown and ask.wishes.is_strict:
        raise Malformed(
            f"These parameters are not known for {ask.type_name}: {', '.join(wish.unknown)}. Leave them out.",
            expression=wish.unknown[0].partition("=")[0],
            code="not-supported",
        )
    upto = place.watermark if place else catalogue.settled(session, viewer, ask.type_name)
    found: list[Shown] = []
    if not wish.only_total:
        page = Page(wish.limit, upto, place.after if place else None, wish.is_descending)
        found = catalogue.find(session, viewer, ask.type_name, wish.criteria, page)
    matches, more = found[: wish.limit], len(found) > wish.limit
    also = _included(session, viewer, matches, wish.includes)
    _note(ask, matches, also, viewer)
    total = None
    if wish.with_total or wish.only_total:
        total = catalogue.count(session, viewer, ask.type_name, wish.criteria, upto)
    bundle = searchset(
        _entries(ask.type_name, matches, also, wish.unknown),
        self_url=address(f"{ask.type_name}?{urlencode(ask.pairs if place else wish.pairs)}".rstrip("?")),
        last_updated=instant_text(upto),
        next_url=_next(session, ask, wish, matches[-1], upto) if more else None,
        total=total,
    )
    return Reply(200, dump(bundle))


def _place(session: Session, ask: Ask, viewer: str) -> PlaceInSearch | None:
    names = {name for name, _value in ask.pairs} - OF_THE_FORM
    if "_page" not in names:
        return None
    tokens = [value for name, value in ask.pairs if name == "_page"]
    if names != {"_page"} or len(tokens) != 1:
        raise Malformed(
            "A page carries its whole search: send _page alone, as the next link has it.", expression="_page"
        )
    return place_of(keys(session), tokens[0], organization_id=viewer, type_name=ask.type_name, now=now(session))


def _next(session: Session, ask: Ask, wish: SearchWish, last: Shown, upto: int) -> str:
    token = page_token(
        keys(session),
        PlaceInSearch(wish.pairs, (last.last_updated, last.id), upto),
        organization_id=current_actor().organization_id or "",
        type_name=ask.type_name,
        now=now(session),
    )
    return address(f"{ask.type_name}?_page={token}")


def _included(session: Session, viewer: str, matches: list[Shown], includes: tuple[Include, ...]) -> list[Shown]:
    """Return what the matches, as shown, refer to by the parameters asked for, as far as the viewer may see it."""
    if not includes:
        return []
    base, codes = fhir_base(session), {asked.parameter for asked in includes}
    #  the parameter is looked at first: most of what a document is found by is not asked for
    wanted = {
        local
        for match in matches
        for one in extract(json.loads(match.body))
        if one.parameter in codes
        and (local := local_reference(one.value, base)) is not None
        and any(one.parameter == asked.parameter and asked.target in ("", local[0]) for asked in includes)
    }
    wanted -= {(match.type, match.id) for match in matches}
    return catalogue.included(session, viewer, wanted) if wanted else []


def _note(ask: Ask, matches: list[Shown], also: list[Shown], viewer: str) -> None:
    """Note the search with its query, and each document of another organisation that it showed."""
    note_read("search-type", type_name=ask.type_name, query=urlencode(ask.pairs))
    for one in (*matches, *also):
        if one.author_id not in (None, viewer):
            note_shown("search-type", one)


def _entries(type_name: str, matches: list[Shown], also: list[Shown], unknown: tuple[str, ...]) -> Iterable[Found]:
    yield from (Found(address(one.address), JsonText(one.body.decode())) for one in matches)
    yield from (Found(address(one.address), JsonText(one.body.decode()), "include") for one in also)
    if unknown:
        yield Found(None, operation_outcome(unknown_parameters(type_name, unknown)), "outcome")
