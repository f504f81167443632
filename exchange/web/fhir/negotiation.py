"""What a client sends and wants: JSON only. Parameters of a media type decide nothing but the FHIR version.

Source: http://hl7.org/fhir/R4/http.html#general and #mime-type; http://hl7.org/fhir/R4/versioning.html#mt-version.
"""

from functools import lru_cache
from typing import Final

from werkzeug.exceptions import NotAcceptable, UnsupportedMediaType
from werkzeug.http import parse_options_header

FHIR_JSON: Final = "application/fhir+json"
FORM: Final = "application/x-www-form-urlencoded"
#  what a client may ask for, to what it gets
_ANSWERED: Final = {
    FHIR_JSON: FHIR_JSON,
    "application/json": "application/json",
    "text/json": "text/json",
    "json": FHIR_JSON,
    "application/json+fhir": FHIR_JSON,
    "application/*": FHIR_JSON,
    "*/*": FHIR_JSON,
}
_SENT: Final = frozenset({FHIR_JSON, "application/json", "text/json", "application/json+fhir"})
_VERSIONS: Final = frozenset({"", "4.0", "4.0.1"})


@lru_cache(maxsize=256)
def media_type_for(accept: str, asked_format: str | None) -> str:
    """Return the media type of the answer; `_format` goes before Accept. Raises NotAcceptable (406)."""
    #  in an address a + arrives as a space where the client forgot to escape it
    ranges = [asked_format.replace(" ", "+")] if asked_format else (accept or "*/*").split(",")
    for _quality, media, version in sorted(map(_range, ranges), key=lambda one: -one[0]):
        if media in _ANSWERED and version in _VERSIONS:
            return _ANSWERED[media]
    raise NotAcceptable(
        "Only FHIR R4 as JSON can be answered: ask for application/fhir+json, without another fhirVersion."
    )


def _range(text: str) -> tuple[float, str, str]:
    """Return quality, media type and FHIR version of a media range; a quality of 0 is a media type of nobody."""
    media, options = parse_options_header(text.strip())
    try:
        quality = float(options.get("q", "1"))
    except ValueError:
        quality = 0.0
    return quality, media.lower() if quality > 0 else "", options.get("fhirversion", "").strip()


def refuse_other_than_json(content_type: str, content_encoding: str = "") -> None:
    """Raise UnsupportedMediaType (415) unless a body is FHIR R4 as JSON in UTF-8, not compressed (RFC 9110 §8.4)."""
    if content_encoding.strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType("Send the body as it is, without Content-Encoding.")
    media, options = parse_options_header(content_type)
    plain = {name.lower(): value for name, value in options.items()}
    if (
        media.lower() not in _SENT
        or plain.get("charset", "utf-8").lower() not in ("utf-8", "utf8")
        or plain.get("fhirversion", "") not in _VERSIONS
    ):
        raise UnsupportedMediaType("Send FHIR R4 as JSON in UTF-8, with Content-Type: application/fhir+json.")


def refuse_other_than_form(content_type: str) -> None:
    """Raise UnsupportedMediaType (415) unless a body is a form."""
    if parse_options_header(content_type)[0].lower() != FORM:
        raise UnsupportedMediaType(f"Send the parameters of _search as a form, with Content-Type: {FORM}.")
