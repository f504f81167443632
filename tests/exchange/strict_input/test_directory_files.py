"""A directory whose files are hostile: it is imported with what can be used of it, or refused with a sentence."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from directory.errors import DirectoryError
from directory.importing import ImportReport, import_source
from directory.lookup import Listing, organizations_page
from tests.exchange.conftest import House
from tests.exchange.strict_input.corpus import ABSENT, content, files, label, own, some, strings
from tests.reliability import Reached, sizes

Import = Callable[..., ImportReport]


@ABSENT
@pytest.mark.invariant(
    "strict-directory-files",
    "A hostile directory file is imported as far as it can be used, or refused with a sentence.",
)
@pytest.mark.parametrize("count", sizes(60, 300))
def test_a_file_of_json_is_read_or_refused(count: int, load: Import, tmp_path: Path, reached: Reached) -> None:
    lines, told = some(files("json"), count), {"imported": 0, "refused": 0}

    for number, line in enumerate(lines):
        file = tmp_path / f"{number}.json"
        file.write_bytes(content(line))
        told[attempt(load, file)] += 1
        beside = tmp_path / f"beside-{number}.json"
        beside.write_bytes(b'{"organizations":[{"id":"o","name":"Kitchen","description":' + content(line) + b"}]}")
        told[attempt(load, beside)] += 1

    assert sum(told.values()) == 2 * len(lines)
    assert told["imported"] > 0
    assert told["refused"] > 0
    reached(files=2 * len(lines), **told)


@ABSENT
@pytest.mark.parametrize("form", ["json", "csv"])
@pytest.mark.parametrize("count", sizes(150, 7_000))
def test_a_string_in_a_directory_comes_back_as_it_was_published(
    count: int, form: str, load: Import, house: House, tmp_path: Path
) -> None:
    texts = [text for text in some(strings(), count, seed=7) if text.strip()]
    write = {"json": write_json, "csv": write_csv}[form]

    report = load(write(tmp_path, texts), source="strings").as_json()

    with house.database.read() as session:
        found = {one.record.name for one in all_of(session)}
    changed = [text for text in texts if text.strip() not in found]
    counts = report["organizations"]
    refused = [one for one in report["problems"] if one["done"].startswith("Refused")]
    #  a name that is the word null says that there is none: it is refused, and said so
    assert (counts["added"] + counts["refused"], counts["refused"]) == (len(texts), len(refused)), refused
    assert len(changed) <= len(texts) // 100, label(changed)


@ABSENT
def test_a_formula_in_a_directory_is_a_text(load: Import, house: House, tmp_path: Path) -> None:
    """Nothing here writes CSV (docs/divergences.md), so a formula has no sheet to run in; it is read as it stands."""
    formulas = [line["s"] for line in own("csv-injection")]

    load(write_csv(tmp_path, formulas), source="formulas")

    with house.database.read() as session:
        found = {one.record.name for one in all_of(session)}
    assert {text.strip() for text in formulas} <= found


ODD = {
    "half a surrogate pair as a name": b'{"organizations":[{"id":"a","name":"\\ud800"}]}',
    "half a surrogate pair as an id": b'{"organizations":[{"id":"\\udfff","name":"Kitchen"}]}',
    "half a surrogate pair as a field": b'{"organizations":[{"id":"a","name":"Kitchen","\\ud800":"x"}]}',
    "half a surrogate pair in a type": b'{"locations":[{"id":"a","name":"A","location_type":"\\ud800"}]}',
    "a NUL in an id": b'{"organizations":[{"id":"a\\u0000b","name":"Kitchen"}]}',
    "a NUL in a name": b'{"organizations":[{"id":"a","name":"Kit\\u0000chen"}]}',
    "a NUL in a type": b'{"services":[{"id":"a","name":"A","status":"act\\u0000ive"}]}',
    "a name of 3 MB": b'{"organizations":[{"id":"a","name":"' + b"x" * 3_000_000 + b'"}]}',
    "an id of 3 MB": b'{"organizations":[{"id":"' + b"x" * 3_000_000 + b'","name":"Kitchen"}]}',
    "numbers for texts": b'{"organizations":[{"id":1e400,"name":NaN}]}',
    "a name given twice": b'{"organizations":[{"id":"a","name":"A","name":"B"}]}',
    "a place beyond all numbers": b'{"locations":[{"id":"a","name":"A","latitude":1e400,"longitude":-Infinity}]}',
    "a place of 5,000 digits": b'{"locations":[{"id":"a","name":"A","latitude":' + b"9" * 5_000 + b',"longitude":0}]}',
    "an age of 5,000 digits": b'{"services":[{"id":"a","name":"A","minimum_age":' + b"9" * 5_000 + b"}]}",
    "programs without end": b'{"services":' + b'[{"id":"a","name":"A","program":' * 5_000,
    "organisations, 900 deep": b'{"services":['
    + b'{"id":"a","name":"A","organization":' * 900
    + b"null"
    + b"}" * 900
    + b"]}",
    "200,000 brackets": b"[" * 200_000,
    "UTF-16": b"\xff\xfe{\x00}\x00",
    "a byte order mark": b"\xef\xbb\xbf{}",
}


@pytest.mark.parametrize("name", ODD)
def test_a_file_that_no_publisher_would_write_does_no_harm(name: str, load: Import, tmp_path: Path) -> None:
    file = tmp_path / "odd.json"
    file.write_bytes(ODD[name])

    assert attempt(load, file) in ("imported", "refused")


def attempt(load: Import, path: Path) -> str:
    """Import a path; return whether it was imported or refused with a sentence. Anything else is a fault."""
    try:
        load(path, source="hostile")
    except DirectoryError as refusal:
        return "refused" if str(refusal).endswith(".") else "refused without a sentence"
    return "imported"


def all_of(session: Session) -> Iterator[Listing[Any]]:
    """Yield every agency that is listed."""
    after = None
    while True:
        lines = organizations_page(session, after=after, limit=500)
        yield from lines.listings
        if lines.next_after is None:
            return
        after = lines.next_after


def write_json(folder: Path, texts: list[str]) -> Path:
    listed = [{"id": str(number), "name": text, "description": text} for number, text in enumerate(texts)]
    path = folder / "strings.json"
    path.write_text(json.dumps({"organizations": listed}), encoding="utf-8")
    return path


def write_csv(folder: Path, texts: list[str]) -> Path:
    made = folder / "strings"
    made.mkdir()
    with (made / "organizations.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "name", "description"])
        rows.writerows([str(number), text, text] for number, text in enumerate(texts))
    return made


@pytest.fixture
def load(house: House) -> Import:
    """Import a path into the house, whatever it takes away."""

    def load_path(path: Path, **options: Any) -> ImportReport:
        return import_source(house.database.write, path, now=house.clock(), allow_removals=True, **options)

    return load_path
