"""Narrative: text and its form pass, whatever acts is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mapping.rules.narrative import narrative_problem


def div(inner: str) -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'


@pytest.mark.parametrize(
    "inner",
    [
        "<p>Plain words</p>",
        "caf&#233; &nbsp; &frac14; &amp; &lt;",
        '<a href="https://example.org/a?b=c#d">x</a>',
        '<a href="Patient/1">x</a> <a href="#below">y</a> <a name="below">z</a> <a href="mailto:a@b.example">m</a>',
        '<a href="a/b:c">relative with a colon after a slash</a>',
        '<img src="data:image/png;base64,aGk=" alt=""/>',
        '<p style="background-image: url(tbl_bck1.png)">a</p>',
        '<p style="background: url(data:image/png;base64,aGk=)">a</p>',
        '<table border="1"><tr><td style="color: red; padding: 2px">1</td></tr></table>',
    ],
)
def test_words_lists_tables_links_and_images_pass(inner: str) -> None:
    assert narrative_problem(div(inner)) is None


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        (div("<script>alert(1)</script>"), "an element"),
        (div('<p onclick="x()">a</p>'), "an attribute"),
        (div('<iframe src="https://x.example">a</iframe>'), "an element"),
        (div("<form><input/></form>"), "an element"),
        (div('<svg xmlns="http://www.w3.org/2000/svg"><a/></svg>'), "an element"),
        (div('<a href="javascript:alert(1)">a</a>'), "links to an address"),
        (div('<a href="JaVaScRiPt:alert(1)//">a</a>'), "links to an address"),
        (div('<a href=" java&#x9;script:alert(1)">a</a>'), "links to an address"),
        (div('<a href="data:text/html,x">a</a>'), "links to an address"),
        (div('<img src="javascript:alert(1)"/>'), "shows an image"),
        (div('<img src="data:image/svg+xml,x"/>'), "shows an image"),
        (div('<p style="background: url(https://x.example)">a</p>'), "a style"),
        (div('<p style="background: url(//x.example/a.png)">a</p>'), "a style"),
        (div("<p style=\"background: url('data:image/svg+xml;base64,aGk=')\">a</p>"), "a style"),
        (div('<p style="width: expression(alert(1))">a</p>'), "a style"),
        (div('<p style="b\\65havior: x">a</p>'), "a style"),
        ('<!DOCTYPE div [<!ENTITY x "boom">]>' + div("&x;"), "document type declaration"),
        ('<!DOCTYPE div SYSTEM "file:///etc/passwd">' + div("a"), "document type declaration"),
        (div("<?php x ?>a"), "processing instruction"),
        (div("&unknown;"), "not well-formed"),
        (div("<p>a</b>"), "not well-formed"),
        (div("<p>a"), "not well-formed"),
        (div(""), "no words"),
        (div("<p> </p>"), "no words"),
        ("<p>a</p>", "one XHTML div"),
        ('<div xmlns="http://www.w3.org/2000/svg">a</div>', "one XHTML div"),
        ("just words", "not well-formed"),
        ("", "not well-formed"),
    ],
)
def test_what_acts_loads_or_is_broken_is_refused(markup: str, words: str) -> None:
    problem = narrative_problem(markup)

    assert problem is not None
    assert words in problem


def test_a_bomb_of_entities_is_refused_before_it_goes_off() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))

    problem = narrative_problem(f'<!DOCTYPE div [<!ENTITY e0 "x">{entities}]>{div("&e11;")}')

    assert problem is not None
    assert "document type declaration" in problem


@given(st.text())
def test_no_text_makes_the_check_of_a_narrative_raise(text: str) -> None:
    for markup in (text, div(text)):
        problem = narrative_problem(markup)
        assert problem is None or problem
