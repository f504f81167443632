"""What no line of the product may say, whatever the reason. Source: OWASP ASVS 5.0.0, 1.2 to 1.5 and 12.3."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.house_rules.source import PACKAGES, ROOT, project_files

NEVER: Final = {
    "markup that is not escaped": re.compile(r"\|\s*safe\b|\bMarkup\(|autoescape\s+false|autoescape=False"),
    "a template made of text": re.compile(r"render_template_string|from_string\("),
    "a certificate that is not checked": re.compile(r"verify\s*=\s*False|CERT_NONE|_create_unverified_context"),
    "a shell": re.compile(r"shell\s*=\s*True|os\.system\(|os\.popen\("),
    "code made of text": re.compile(r"(?<![\w.])(?:eval|exec)\("),
    "objects made of bytes": re.compile(r"\b(?:pickle|marshal|shelve)\.(?:load|loads|open)\b|yaml\.load\("),
    "SQL made of text": re.compile(
        r"""\b(?:text|execute|exec_driver_sql)\(\s*f["']\s*(?:select|insert|update|delete)\b""", re.I
    ),
    "the old query": re.compile(r"\bsession\.query\("),
    "a weak hash": re.compile(r"hashlib\.(?:md5|sha1)\("),
    "a print that nobody asked for": re.compile(r"^\s*print\("),
    "work without a number": re.compile(r"#\s*(?:TODO(?!\(#\d+\):)|FIXME|XXX)"),
}
#  the command line and its demo print, that is what they are for; narrative passes one sanitiser
ALLOWED: Final = {
    "a print that nobody asked for": "exchange/cli/",
    "markup that is not escaped": "exchange/web/portal/narrative.py",
}
SOURCES: Final = [
    path
    for path in project_files()
    if path.parts[0] in PACKAGES and path.suffix in (".py", ".html", ".txt", ".jinja", ".xml")
]


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_a_file_says_nothing_that_is_never_said(path: Path) -> None:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()

    found = [
        f"{path}:{number} has {what}"
        for number, line in enumerate(lines, start=1)
        for what, pattern in NEVER.items()
        if pattern.search(line) and not path.as_posix().startswith(ALLOWED.get(what, "/"))
    ]

    assert found == []


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{{ note | safe }}", "markup that is not escaped"),
        ("return render_template_string(page)", "a template made of text"),
        ("session.get(url, verify=False)", "a certificate that is not checked"),
        ("subprocess.run(line, shell=True)", "a shell"),
        ("value = eval(text)", "code made of text"),
        ("pickle.loads(body)", "objects made of bytes"),
        ('session.execute(f"SELECT * FROM {table}")', "SQL made of text"),
        ("session.query(Referral)", "the old query"),
        ("hashlib.md5(body)", "a weak hash"),
        ("    print(referral)", "a print that nobody asked for"),
        ("# TODO: later", "work without a number"),
    ],
)
def test_each_pattern_finds_its_example(line: str, what: str) -> None:
    assert NEVER[what].search(line)
