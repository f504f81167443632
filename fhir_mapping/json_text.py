"""Strict JSON in which every number keeps its text.

A FHIR document is handed on as it was given: `1.50` stays `1.50`, because its precision has a meaning
(http://hl7.org/fhir/R4/datatypes.html#decimal). So `parse` returns numbers as `JsonNumber`, and `dump` writes the same
texts. Refused are duplicate keys, NaN and Infinity, NUL and lone surrogates in strings, a byte order mark, and
whatever is too deep or too large (RFC 8259; RFC 7493, I-JSON, for the duplicate keys and surrogates).
"""

import json
import re
import secrets
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

Json = dict[str, Any]

# A string that never ends counts as one token: trying again from each quote in it would take quadratic time.
_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*+(?:"|\\?\Z))([ \t\r\n]*:)?|[\[\]{}]', re.DOTALL)
_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|([\[{])|([\]}])', re.DOTALL)
#  no text that anybody sends can hold it: it is drawn anew in every process
_MARK = f"text {secrets.token_hex(16)} "
_MARKED = re.compile(f'"{_MARK}([0-9]+)"')
_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class JsonNumber:
    """A JSON number as it was written. Equal only to a number with the same text."""

    text: str

    def as_decimal(self) -> Decimal:
        """Return the number's value; `1.50` and `1.5` have equal values and different texts."""
        return Decimal(self.text)


@dataclass(frozen=True, slots=True)
class JsonText:
    """A value that is already JSON text, a stored document for instance: `dump` writes it as it is."""

    text: str


class JSONProblem(ValueError):
    """The bytes are not the JSON we accept. `sentence` says why, with line and column where they are known."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class _Duplicate(Exception):
    """A key occurs twice in one object; the place is looked up afterwards."""


def parse(data: bytes, *, max_depth: int = 64, max_bytes: int = 5_000_000) -> Any:
    """Return the JSON value in `data`, with every number as a `JsonNumber`.

    Raises JSONProblem for everything else. `max_depth` counts nested objects and arrays, `max_bytes` the whole text.
    """
    if len(data) > max_bytes:
        raise JSONProblem(f"The document has {len(data)} bytes, more than the {max_bytes} allowed; send it in parts.")
    text = _decoded(data)
    _refuse_depth(data, max_depth)
    try:
        value = json.loads(
            text,
            parse_float=JsonNumber,
            parse_int=JsonNumber,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as problem:
        raise JSONProblem(
            f"The text is not valid JSON at line {problem.lineno}, column {problem.colno}: correct it there."
        ) from None
    except _Duplicate:
        _refuse_first_duplicate(text)
    except RecursionError:
        raise JSONProblem(f"The document nests deeper than {max_depth} levels; flatten it.") from None
    if "\\u" in text:
        _refuse_forbidden_characters(text)
    return value


def dump(value: Any) -> bytes:
    """Return `value` as compact UTF-8 JSON. Numbers keep their texts; int, float and Decimal are accepted too.

    Raises ValueError for a value that is not JSON: NaN, an infinite number, a lone surrogate, another class.
    """
    texts: list[str] = []

    def put_aside(other: Any) -> str:
        """Keep a text as it is to be written and return the mark that stands for it until then."""
        texts.append(_text_of(other))
        return f"{_MARK}{len(texts) - 1}"

    #  the encoder of the standard library is written in C, but knows no number that keeps its text
    encoder = json.JSONEncoder(
        ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"), default=put_aside
    )
    written = encoder.encode(value)
    if texts:
        written = _MARKED.sub(lambda found: texts[int(found[1])], written)
    return written.encode("utf-8")


def _decoded(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        line, column = _end(data[: problem.start].decode("utf-8"))
        raise JSONProblem(
            f"The text is not valid UTF-8 at line {line}, column {column}: send the document as UTF-8."
        ) from None
    if text.startswith("\ufeff"):
        raise JSONProblem("The text begins with a byte order mark at line 1, column 1: send it without one.")
    return text


def _refuse_depth(data: bytes, max_depth: int) -> None:
    """Count the brackets outside of strings before the parser recurses into them."""
    if data.count(b"[") + data.count(b"{") <= max_depth:
        return
    depth = 0
    for token in _BRACKET.finditer(data):
        if token[1]:
            depth += 1
            if depth > max_depth:
                line, column = _end(data[: token.start()].decode("utf-8"))
                raise JSONProblem(
                    f"The document nests deeper than {max_depth} levels at line {line}, column {column}: flatten it."
                )
        elif token[2]:
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> Json:
    built = dict(pairs)
    if len(built) != len(pairs):
        raise _Duplicate
    return built


def _refuse_constant(name: str) -> NoReturn:
    raise JSONProblem(f"The text holds {name}, which is no JSON number: leave the element out instead.")


def _refuse_first_duplicate(text: str) -> NoReturn:
    """Find where a key occurs for the second time; the place costs a second pass, taken only on failure."""
    seen: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        if token[0] in "{[":
            seen.append(set())
        elif token[0] in "}]":
            seen.pop()
        elif token[2]:
            key = json.loads(token[1])
            if key in seen[-1]:
                line, column = _end(text[: token.start()])
                raise JSONProblem(f"A key is given twice in one object at line {line}, column {column}: keep one.")
            seen[-1].add(key)
    raise JSONProblem("A key is given twice in one object: keep one.")


def _refuse_forbidden_characters(text: str) -> None:
    """Escapes are the only way to write a NUL or half a surrogate pair into UTF-8 text."""
    for token in _TOKEN.finditer(text):
        if token[1] and "\\u" in token[1] and _FORBIDDEN.search(json.loads(token[1])):
            line, column = _end(text[: token.start()])
            raise JSONProblem(
                f"A string holds a NUL or half of a surrogate pair at line {line}, column {column}: remove it."
            )


def _end(before: str) -> tuple[int, int]:
    """Return line and column, both counted from 1, of what follows the text `before`."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _text_of(value: Any) -> str:
    match value:
        case JsonNumber() | JsonText():
            return value.text
        case Decimal() if value.is_finite():
            return str(value)
    raise ValueError(f"A value of class {type(value).__name__} cannot be written as JSON: leave the element out.")
