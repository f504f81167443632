"""The FHIR door: its routes come from the tables of types and interactions, its refusals are OperationOutcomes."""

from collections.abc import Callable

from flask import Blueprint, Flask, Response, g, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import BaseConverter

from exchange.domain.errors import ExchangeError, Malformed
from exchange.web.fhir.asking import Ask, asked_on_its_own
from exchange.web.fhir.batch import batch
from exchange.web.fhir.entries import wishes_of_entries
from exchange.web.fhir.interactions import ID, INTERACTIONS, Interaction, carry_out, interaction_at
from exchange.web.fhir.metadata import metadata
from exchange.web.fhir.negotiation import media_type_for
from exchange.web.fhir.refusals import refuse, refuse_request
from exchange.web.fhir.replying import response_of
from exchange.web.fhir.scope import permit_interaction
from exchange.web.fhir.transaction_bundle import transaction_bundle
from exchange.web.guard import Who, access
from fhir_mapping.resource_types import RESOURCE_TYPES

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
BUNDLES = {"batch": batch, "transaction": transaction_bundle}


class FHIRId(BaseConverter):
    """An id as FHIR writes one; `_history` and `_search` are none."""

    regex = ID


def open_door(app: Flask) -> None:
    """Open the FHIR door."""
    app.url_map.converters["fhir_id"] = FHIRId
    door = Blueprint("fhir", __name__, url_prefix="/fhir")
    door.add_url_rule("/metadata", "metadata", metadata, methods=["GET"])
    for interaction in INTERACTIONS:
        view = _view(interaction)
        for kind in filter(interaction.is_for, RESOURCE_TYPES.values()):
            door.add_url_rule(
                f"/{kind.name}{interaction.rule}",
                interaction.name,
                view,
                methods=[interaction.method],
                defaults={"type_name": kind.name},
            )
    door.add_url_rule("", "bundle", receive, methods=["POST"])
    door.add_url_rule("", "nothing", nothing, methods=[*METHODS], defaults={"path": ""})
    door.add_url_rule("/<path:path>", "nothing", nothing, methods=[*METHODS])
    door.before_request(_negotiate)
    door.register_error_handler(ExchangeError, refuse)
    door.register_error_handler(HTTPException, refuse_request)
    app.register_blueprint(door)


def _negotiate() -> None:
    g.fhir_media_type = media_type_for(request.headers.get("Accept", ""), request.args.get("_format"))


def _view(interaction: Interaction) -> Callable[..., Response]:
    @access(Who.CLIENT)
    def view(type_name: str, document_id: str = "", version: str = "") -> Response:
        #  who may not write is told so before the body is read
        permit_interaction(type_name, interaction.code)
        return response_of(carry_out(interaction, asked_on_its_own(type_name, document_id, version)))

    view.__doc__ = f"Carry out a {interaction.code}."
    return view


@access(Who.CLIENT)
def receive() -> ResponseReturnValue:
    """Receive a batch or a transaction."""
    ask = asked_on_its_own()
    carry = BUNDLES.get(str(ask.resource.get("type")))
    if ask.resource.get("resourceType") != "Bundle" or carry is None:
        raise Malformed("Send a Bundle of type batch or transaction here.", expression="Bundle.type", code="invalid")
    is_said = "return=" in request.headers.get("Prefer", "").replace(" ", "").lower()
    wishes = wishes_of_entries(ask.wishes, is_said=is_said)
    return response_of(carry(Ask(resource=ask.resource, headers=ask.headers, wishes=wishes)))


@access(Who.CLIENT)
def nothing(path: str) -> ResponseReturnValue:
    """Answer an address or a method that does not exist: 404, or 405 with the methods that do."""
    if not path.strip("/"):
        raise MethodNotAllowed(["POST"], "Here only a Bundle can be posted: search a type, such as /fhir/Task.")
    interaction_at(request.method, path)
    raise MethodNotAllowed([], "This method is not possible here: see /fhir/metadata.")
