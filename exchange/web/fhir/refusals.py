"""What a refusal looks like at this door: one table from the family of errors to status and issue code.

Sources: http://hl7.org/fhir/R4/http.html#Status-Codes, http://hl7.org/fhir/R4/valueset-issue-type.html.
"""

from collections.abc import Iterator
from typing import Final

from flask import Response, g
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from exchange.domain import errors
from exchange.domain.errors import ExchangeError, Invalid, TooMany
from exchange.web.fhir.negotiation import FHIR_JSON
from fhir_mapping.bundle import operation_outcome
from fhir_mapping.json_text import Json, dump
from fhir_mapping.mapped import Issue

#  a busy database is free again in a moment; room is made by a person
RETRY_SECONDS: Final = {503: 5, 507: 60}
CHALLENGE: Final = 'Bearer realm="Referral Exchange"'

REFUSALS: Final[dict[type[ExchangeError], tuple[int, str]]] = {
    errors.Unauthenticated: (401, "login"),
    errors.Forbidden: (403, "forbidden"),
    errors.NotFound: (404, "not-found"),
    errors.Malformed: (400, "invalid"),
    errors.IllegalTransition: (422, "business-rule"),
    errors.Invalid: (422, "invalid"),
    errors.Unprocessable: (422, "processing"),
    errors.Conflict: (409, "duplicate"),
    errors.StaleVersion: (412, "conflict"),
    errors.PreconditionRequired: (428, "required"),
    errors.TooMany: (429, "throttled"),
    errors.Busy: (503, "transient"),
    errors.StorageFull: (507, "no-store"),
    errors.ExchangeError: (422, "processing"),
}

#  what the framework refuses before a view runs: status to issue code and, where its own words are not ours, a sentence
FRAMEWORK: Final[dict[int, tuple[str, str | None]]] = {
    400: ("structure", "The request could not be read: correct it and send it again."),
    404: ("not-found", None),
    405: ("not-supported", None),
    406: ("not-supported", None),
    408: ("timeout", "The request did not arrive in time: send it again."),
    413: ("too-long", "The request is larger than 5 MB: send it in parts."),
    415: ("not-supported", None),
}


def status_of(refusal: ExchangeError) -> tuple[int, str]:
    """Return status and issue code of a refusal: of the most particular class that the table knows."""
    status, code = next(REFUSALS[kind] for kind in type(refusal).__mro__ if kind in REFUSALS)
    return status, refusal.code or code


def issues_of(refusal: ExchangeError) -> tuple[Issue, ...]:
    """Return the issues that tell a refusal."""
    if isinstance(refusal, Invalid):
        return tuple(refusal.issues)
    return (Issue("error", status_of(refusal)[1], refusal.sentence, refusal.expression),)


def refuse(refusal: ExchangeError) -> Response:
    """Answer a refusal with an OperationOutcome."""
    status, _code = status_of(refusal)
    response = outcome_response(operation_outcome(issues_of(refusal)), status)
    if status == 401:
        response.headers["WWW-Authenticate"] = CHALLENGE
    seconds = refusal.retry_after_seconds if isinstance(refusal, TooMany) else RETRY_SECONDS.get(status)
    if seconds is not None:
        response.headers["Retry-After"] = str(seconds)
    return response


def refuse_request(refusal: HTTPException) -> Response:
    """Answer what the framework, or the negotiation, refused."""
    status = refusal.code or 500
    response = outcome_response(operation_outcome(request_issues(refusal)), status)
    if isinstance(refusal, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(refusal.valid_methods or ()))
    return response


def request_issues(refusal: HTTPException) -> tuple[Issue, ...]:
    """Return the issue that tells what the framework refused; of an unknown failure nothing but the request's id."""
    if (refusal.code or 500) >= 500:
        return (failure(),)
    code, sentence = FRAMEWORK.get(refusal.code or 400, ("processing", None))
    return (Issue("error", code, sentence or refusal.description or "The request was refused."),)


def failure() -> Issue:
    """Return the issue of an unknown failure: bland, because its details may hold health data."""
    return Issue(
        "fatal", "exception", f"Something failed here; tell the operator this request: {g.get('request_id', '')}."
    )


def outcome_response(outcome: Json, status: int) -> Response:
    """Return an OperationOutcome as a response: always JSON, whatever was asked for."""
    return Response(dump(outcome), status, content_type=f"{FHIR_JSON}; charset=utf-8")


def unknown_parameters(type_name: str, names: tuple[str, ...]) -> Iterator[Issue]:
    """Yield a warning for each parameter of a search that was not used."""
    for name in names:
        yield Issue(
            "warning",
            "not-supported",
            f"The parameter {name} is not known for {type_name} and was not used: see /fhir/metadata.",
            name.partition("=")[0],
        )
