"""`GET /api/directory/search`: what `exchange directory search --json` prints, with the organisation to send to."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from directory.errors import BadQuery
from directory.geography import Point
from directory.search import Page, Query, search
from exchange.domain.errors import Malformed
from exchange.domain.permissions import Permission
from exchange.web.api.problems import answer_problems
from exchange.web.guard import Who, access
from exchange.web.transaction import database, reading

blueprint = Blueprint("directory_search", __name__, url_prefix="/api/directory")
answer_problems(blueprint)


@blueprint.get("/search")
@access(Who.MEMBER, Permission.SEARCH_DIRECTORY)
def search_directory() -> ResponseReturnValue:
    """Answer the best services for a need near a place. The directory holds no health data, so this is not audited."""
    query = read_query(request.args, database().clock())
    with reading() as session:
        try:
            page = search(session, query)
        except BadQuery as refusal:
            raise Malformed(str(refusal)) from None
    return jsonify(page_as_json(page))


def read_query(arguments: MultiDict[str, str], now: datetime) -> Query:
    """Return the query of the address's parameters. Raises Malformed for one that is unknown or cannot be read."""
    said: dict[str, Any] = {}
    for name, values in arguments.lists():
        if name not in _PARAMETERS or len(values) != 1:
            known = ", ".join(_PARAMETERS)
            raise Malformed(f"Each parameter is one of {known}, given once: correct the address.", expression=name)
        field, read = _PARAMETERS[name]
        try:
            said |= {field: read(values[0])} if values[0].strip() else {}
        except ValueError:
            raise Malformed(_FORMS[read], expression=name) from None
    return Query(now, **said)


def page_as_json(page: Page) -> Mapping[str, Any]:
    """Return a page of hits; `next_after` goes into `after` to continue, `notes` are sentences for people."""
    return {
        "hits": [hit.as_json() | {"organization_id": hit.organization_id} for hit in page.hits],
        "total": page.total,
        "next_after": page.next_after,
        "notes": list(page.notes),
    }


def _point(text: str) -> Point:
    latitude, longitude = text.split(",")
    return Point(float(latitude), float(longitude))


def _moment(text: str) -> datetime:
    #  in an address the + of a zone arrives as a space where a client forgot to escape it
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise ValueError(text)
    return _TRUTHS[text.lower()]


_TRUTHS: Final = {"true": True, "1": True, "false": False, "0": False}
_Reader = Callable[[str], Any]
_PARAMETERS: Final[dict[str, tuple[str, _Reader]]] = {
    "text": ("text", str),
    "need": ("need", str),
    "zip": ("zip_code", str),
    "near": ("point", _point),
    "radius_km": ("radius_km", float),
    "language": ("language", str),
    "open_at": ("open_at", _moment),
    "age": ("age", float),
    "accepts_referrals": ("accepts_referrals", _truth),
    "organization_id": ("organization_id", str),
    "limit": ("limit", int),
    "after": ("after", str),
}
_FORMS: Final[dict[_Reader, str]] = {
    _point: "A place is latitude,longitude in degrees: write it like 41.88,-87.63.",
    float: "This must be a number: correct it.",
    int: "This must be a whole number: correct it.",
    _moment: "This must be a time with its zone: write it like 2026-06-01T15:00:00-05:00.",
    _truth: "This must be true or false: correct it.",
}
