"""Narrative that wants to act is refused at the door; what is let through holds nothing that could come to life."""

from html.parser import HTMLParser
from typing import Final

import pytest

from fhir_mapping.conformance import check
from fhir_mapping.rules.narrative import narrative_problem
from tests.hostile import OWN, lists
from tests.reliability import Reached

DIV: Final = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'
ACTIVE: Final = frozenset(
    ("script", "iframe", "object", "embed", "form", "input", "button", "select", "textarea", "svg", "math", "link",
     "meta", "base", "style", "video", "audio", "frame", "frameset", "applet", "marquee", "body", "html", "head",
     "title", "details", "template", "noscript", "xml", "source")
)  # fmt: skip
ACTIVE_ADDRESSES: Final = ("javascript:", "vbscript:", "data:text", "data:image/svg")


class Judge(HTMLParser):
    """Reads a narrative as a browser does, not as the rules do, and notes what could act."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.alive: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ACTIVE:
            self.alive.append(tag)
        for name, value in attrs:
            address = "".join((value or "").split()).lower()
            if name.startswith("on") or name in ("srcdoc", "formaction") or address.startswith(ACTIVE_ADDRESSES):
                self.alive.append(f"{tag} {name}")


def alive_in(text: str) -> list[str]:
    judge = Judge()
    judge.feed(text)
    judge.close()
    return judge.alive


@pytest.mark.invariant(
    "no-live-narrative", "A narrative that holds anything which could act in a browser is refused at the FHIR door."
)
def test_what_is_let_through_could_not_act_in_a_browser(reached: Reached) -> None:
    refused = kept = 0

    for text in (*OWN, *lists()):
        div = DIV.format(text)
        if narrative_problem(div) is None:
            assert alive_in(div) == [], text
            kept += 1
        else:
            refused += 1

    assert refused > 0
    reached(strings=refused + kept, refused=refused, harmless=kept)


@pytest.mark.parametrize("text", [one for one in OWN if alive_in(DIV.format(one))])
def test_a_document_with_a_live_narrative_is_refused_with_its_place(text: str) -> None:
    patient = {
        "resourceType": "Patient", "gender": "unknown", "name": [{"family": "Canaryname"}],
        "text": {"status": "generated", "div": DIV.format(text)},
    }  # fmt: skip

    wrong = [issue for issue in check(patient) if issue.severity == "error"]

    assert ["Patient.text.div" in (issue.expression or "") for issue in wrong] == [True] * len(wrong)
    assert wrong
