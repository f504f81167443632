"""`GET /api/directory/search`: what `exchange directory search --json` prints, with the organisation to send to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from marshmallow import RAISE, Schema, ValidationError, fields, pre_load
from werkzeug.datastructures import MultiDict

from directory.errors import BadQuery
from directory.geography import Point
from directory.search import Page, Query, search
from exchange.domain.errors import Malformed
from exchange.domain.permissions import Permission
from exchange.web.api.problems import answer_problems
from exchange.web.guard import Who, access
from exchange.web.transaction import database, reading

UNKNOWN: Final = "unknown"
NUMBER: Final = {"invalid": "This must be a number: correct it.", "special": "This must be a number: correct it."}


class Place(fields.Field[Point]):
    """`latitude,longitude` in degrees."""

    default_error_messages = {"invalid": "A place is latitude,longitude in degrees: write it like 41.88,-87.63."}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Point:
        try:
            latitude, longitude = str(value).split(",")
            return Point(float(latitude), float(longitude))
        except ValueError:
            raise self.make_error("invalid") from None


class SearchArguments(Schema):
    """The parameters of the directory search; their names here are those of `directory.search.Query`."""

    error_messages = {"unknown": UNKNOWN}

    class Meta:
        unknown = RAISE

    text = fields.String()
    need = fields.String()
    zip_code = fields.String(data_key="zip")
    point = Place(data_key="near")
    radius_km = fields.Float(error_messages=NUMBER)
    language = fields.String()
    open_at = fields.AwareDateTime(
        error_messages=dict.fromkeys(
            ("invalid", "invalid_awareness", "format"),
            "This must be a time with its zone: write it like 2026-06-01T15:00:00-05:00.",
        )
    )
    age = fields.Float(error_messages=NUMBER)
    accepts_referrals = fields.Boolean(error_messages={"invalid": "This must be true or false: correct it."})
    organization_id = fields.String()
    limit = fields.Integer(error_messages={"invalid": "This must be a whole number: correct it."})
    after = fields.String()

    @pre_load
    def mend_zone(self, data: dict[str, str], **_more: Any) -> dict[str, str]:
        """Read a space as the plus of a zone: a client that forgot to escape it sends one."""
        return data | {"open_at": data["open_at"].replace(" ", "+")} if "open_at" in data else data


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
    known = ", ".join(field.data_key or name for name, field in SearchArguments().fields.items())
    for name, values in arguments.lists():
        if len(values) != 1:
            raise Malformed(f"Each parameter is one of {known}, given once: correct the address.", expression=name)
    given = {name: value for name, value in arguments.items() if value.strip()}
    try:
        return Query(now, **SearchArguments().load(given))
    except ValidationError as refusal:
        name, sentences = next(iter(refusal.normalized_messages().items()))
        unknown = f"Each parameter is one of {known}, given once: correct the address."
        sentence = str(sentences[0])
        raise Malformed(unknown if sentence == UNKNOWN else sentence, expression=name) from None


def page_as_json(page: Page) -> Mapping[str, Any]:
    """Return a page of hits; `next_after` goes into `after` to continue, `notes` are sentences for people."""
    return {
        "hits": [hit.as_json() | {"organization_id": hit.organization_id} for hit in page.hits],
        "total": page.total,
        "next_after": page.next_after,
        "notes": list(page.notes),
    }
