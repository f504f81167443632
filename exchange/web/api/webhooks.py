"""`/api/webhooks`: where an organisation's own systems want to be told. For administrators and clients."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from exchange.actions.webhooks.list_webhooks import list_webhooks
from exchange.actions.webhooks.register_webhook import register_webhook
from exchange.actions.webhooks.remove_webhook import remove_webhook
from exchange.domain.errors import Malformed
from exchange.domain.permissions import Permission
from exchange.outbound import check_address
from exchange.web.api.problems import answer_problems
from exchange.web.guard import Who, access, current_actor
from exchange.web.transaction import config, reading, transaction
from fhir_mapping.json_text import JSONProblem, parse

blueprint = Blueprint("webhooks", __name__, url_prefix="/api/webhooks")
answer_problems(blueprint)


@blueprint.get("")
@access(Who.MEMBER, Permission.MANAGE_WEBHOOKS)
def show_all() -> ResponseReturnValue:
    """Answer with the webhooks of the caller's organisation, without their secrets."""
    with reading() as session:
        found = list_webhooks(session, current_actor())
    return jsonify(webhooks=[_shown(asdict(one)) for one in found])


@blueprint.post("")
@access(Who.MEMBER, Permission.MANAGE_WEBHOOKS)
def register() -> ResponseReturnValue:
    """Register `{"url": "https://…"}` and answer with its id and, this once, its signing secret."""
    url = _url_of(_body())
    with transaction() as session:
        made = register_webhook(
            session, current_actor(), url, check_address=lambda text: check_address(text, config().allowed_addresses)
        )
    return jsonify(_shown(asdict(made))), 201, {"Location": f"{config().base_url}/api/webhooks/{made.id}"}


@blueprint.delete("/<uuid:webhook_id>")
@access(Who.MEMBER, Permission.MANAGE_WEBHOOKS)
def remove(webhook_id: Any) -> ResponseReturnValue:
    """Remove a webhook of the caller's organisation."""
    with transaction() as session:
        remove_webhook(session, current_actor(), str(webhook_id))
    return "", 204


def _body() -> Any:
    """Return the JSON of a request, None without any: a form of another site cannot send it (no CSRF).

    Raises Malformed. It is read as strictly as at the FHIR door: an address given twice would be two addresses.
    """
    if not request.is_json:
        return None
    try:
        return parse(request.get_data())
    except JSONProblem as problem:
        raise Malformed(problem.sentence, expression="url") from None


def _url_of(body: Any) -> str:
    """Return the address that a request names. Raises Malformed."""
    url = body.get("url") if isinstance(body, dict) else None
    if not isinstance(url, str) or not url.strip():
        raise Malformed('Send a JSON object such as {"url": "https://example.org/hook"}.', expression="url")
    return url.strip()


def _shown(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
