"""Strict JSON: what is refused, with its place, and that numbers keep their texts."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mapping.json_text import JsonNumber, JSONProblem, JsonText, dump, parse

CORPUS = Path(__file__).parents[3] / "shared" / "data" / "badinput" / "json"

numbers = st.from_regex(r"\A-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,3})?\Z").map(JsonNumber)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)

REFUSED = [
    (b"", "line 1, column 1"),
    (b'{"a": 1,}', "line 1, column 9"),
    (b'{"a": 1,\n "b": [1, {"c": 2, "c": 3}]}', "line 2, column 20"),
    (b'{"a": 1, "\\u0061": 2}', "line 1, column 10"),
    (b'{"a": NaN}', "NaN"),
    (b"[Infinity]", "Infinity"),
    (b"[-Infinity]", "-Infinity"),
    (b'["\\ud800"]', "line 1, column 2"),
    (b'["ok",\n "\\u0000"]', "line 2, column 2"),
    (b'["\xff"]', "line 1, column 3"),
    (b"\xef\xbb\xbf{}", "byte order mark"),
    (b"[01]", "line 1, column 3"),
    (b"{} {}", "line 1, column 4"),
    (b"['a']", "line 1, column 2"),
]


@pytest.mark.parametrize(("data", "place"), REFUSED)
def test_what_is_not_strict_json_is_refused_with_its_place(data: bytes, place: str) -> None:
    with pytest.raises(JSONProblem) as problem:
        parse(data)

    assert place in problem.value.sentence
    assert problem.value.sentence.endswith(".")


def test_numbers_keep_their_texts() -> None:
    document = b'{"valueDecimal":1.50,"a":[1e3,-0,12345678901234567890]}'

    value = parse(document)

    assert value["valueDecimal"] == JsonNumber("1.50")
    assert value["valueDecimal"].as_decimal() == Decimal("1.5")
    assert dump(value) == document


@given(values)
def test_what_is_written_reads_back_the_same(value: Any) -> None:
    assert parse(dump(value)) == value


@given(st.binary(max_size=60))
def test_no_bytes_make_the_parser_raise_anything_else(data: bytes) -> None:
    try:
        value = parse(data)
    except JSONProblem:
        return

    assert parse(dump(value)) == value


def test_a_document_of_the_allowed_depth_passes_and_one_level_more_is_refused() -> None:
    assert parse(b"[" * 64 + b"]" * 64) is not None

    with pytest.raises(JSONProblem, match="deeper than 64 levels at line 1, column 65"):
        parse(b"[" * 65 + b"]" * 65)


def test_brackets_inside_strings_do_not_count_as_depth() -> None:
    assert parse(b'["' + b"[" * 500 + b'\\""]') == ["[" * 500 + '"']


def test_a_document_that_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(JSONProblem, match="11 bytes, more than the 10 allowed"):
        parse(b"[" + b"1" * 9 + b"]", max_bytes=10)


def test_an_endless_string_of_escaped_quotes_is_refused_in_linear_time() -> None:
    data = b'{"a":' * 70 + b'"' + b'\\"' * 400_000

    with pytest.raises(JSONProblem):
        parse(data)


def test_text_that_is_already_json_is_written_as_it_is() -> None:
    assert dump({"resource": JsonText('{"id":"1", "x":1.50}')}) == b'{"resource":{"id":"1", "x":1.50}}'


def test_plain_numbers_are_written_and_infinite_ones_refused() -> None:
    assert dump({"a": 1, "b": 2.5, "c": Decimal("1.50"), "d": True}) == b'{"a":1,"b":2.5,"c":1.50,"d":true}'
    for endless in (float("nan"), float("inf"), Decimal("Infinity")):
        with pytest.raises(ValueError, match="JSON"):
            dump([endless])


def test_values_that_are_not_json_are_refused() -> None:
    with pytest.raises(ValueError, match="class object"):
        dump({"a": object()})


# Two objects with a key given twice are valid JSON and refused on purpose; so is a NUL, which PostgreSQL cannot keep.
STRICTER = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json", "y_string_null_escape.json"}


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the shared corpus of malformed JSON is not here")
def test_the_corpus_of_malformed_json_is_judged_as_its_names_say() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]

    for path in files:
        try:
            parse(path.read_bytes(), max_bytes=50_000_000)
            accepted = True
        except JSONProblem:
            accepted = False
        if path.name.startswith("n_"):
            assert not accepted, path.name
        elif path.name.startswith("y_"):
            assert accepted == (path.name not in STRICTER), path.name

    assert len(files) > 200
