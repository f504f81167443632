"""Comparing answers to the byte: status, headers and body, but for the id that was asked for."""

import re
from typing import Final

from werkzeug.test import TestResponse

from tests.exchange.web.fhir.conftest import json_of

ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def as_told(answer: TestResponse) -> tuple[int, str]:
    """Return the status and, of a refusal, the issue code."""
    code = json_of(answer)["issue"][0]["code"] if answer.status_code >= 400 else ""
    return answer.status_code, code


def everything_of(answer: TestResponse, *its_own: str) -> tuple[int, tuple[tuple[str, str], ...], str]:
    """Return all that a caller gets: status, headers in order, body; what is the request's own is left out."""
    headers = tuple(sorted((name, _without(value, its_own)) for name, value in answer.headers.items()))
    return answer.status_code, headers, _without(answer.get_data(as_text=True), its_own)


def told_alike(one: TestResponse, its_id: str, other: TestResponse, others_id: str) -> bool:
    """Return whether two answers are equal to the byte but for the ids that were asked for."""
    return everything_of(one, its_id) == everything_of(other, others_id)


def _without(text: str, words: tuple[str, ...]) -> str:
    for word in words:
        text = text.replace(word, "…")
    return text
