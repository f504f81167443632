"""Thousands of strings that want to be script, in every place that shows what somebody wrote: they stay text.

Security figure 33. A page shows hundreds of them at once; its DOM is compared with that of the same page with harmless
words: no other element, no other attribute, no address that acts, no dialog, no report of the content policy.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from directory.county import county, write_hsds
from directory.importing import import_source
from exchange.actions.directory.add_organization import Joining, add_organization
from exchange.actions.documents.check_document import check_document
from exchange.actions.documents.create_document import create_document
from exchange.actions.people.invite_user import invite_user
from exchange.actions.referrals.answer_referral import answer_referral
from exchange.domain.actor import Actor, ActorKind, Role
from exchange.domain.errors import Invalid
from fhir_mapping.case_data.referral import Reason
from tests.exchange.web.fhir.conftest import Json, a_patient, a_referral, a_request
from tests.hostile import OWN, lists
from tests.journeys.town import HOME, OPERATOR, PASSWORD, LivingTown, address_of
from tests.reliability import Reached

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.e2e

AT_ONCE: Final = 400
#  run before any script of a page: it notes what the content policy stopped
WATCH: Final = """window.stopped = [];
document.addEventListener('securitypolicyviolation', (one) => window.stopped.push(one.violatedDirective));"""
#  each element as its name and the names of its attributes, addresses by their scheme, and what has come to life
DOM: Final = """() => {
  const shapes = new Set(), alive = [];
  for (const one of document.querySelectorAll('*')) {
    shapes.add([one.tagName, ...one.getAttributeNames().sort()].join(' '));
    for (const name of one.getAttributeNames()) {
      if (name.startsWith('on')) alive.push(`${one.tagName} ${name}`);
      const said = one.getAttribute(name).replace(/\\s/g, '').toLowerCase();
      if (['href', 'src', 'action', 'formaction', 'srcdoc', 'data', 'xlink:href'].includes(name)
          && !/^(\\/|#|tel:|\\?|data:image\\/svg)/.test(said)) alive.push(`${one.tagName} ${name}=${said}`);
    }
  }
  return {shapes: [...shapes], alive, canary: window.canary === undefined, stopped: window.stopped,
          scripts: document.scripts.length};
}"""
TEXTS: Final = "(selector) => [...document.querySelectorAll(selector)].map((one) => one.textContent)"


class Reader:
    """Somebody of the hospital at a browser, who notes dialogs and every request that leaves."""

    def __init__(self, page: "Page", base_url: str) -> None:
        self.page, self.base_url = page, base_url
        self.amiss: list[str] = []
        page.add_init_script(WATCH)
        page.on("dialog", self._dialog)
        page.on("request", lambda request: self._note(request.url))
        page.on("pageerror", lambda error: self.amiss.append(str(error)))

    def _dialog(self, dialog: Any) -> None:
        self.amiss.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _note(self, url: str) -> None:
        if not url.startswith((self.base_url, "data:image/svg")):
            self.amiss.append(f"a request to {url}")

    def sign_in(self) -> None:
        self.page.goto(f"{self.base_url}/sign-in")
        self.page.get_by_label("E-mail address").fill(address_of("hospital"))
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()

    def look(self, path: str) -> dict[str, Any]:
        """Open a page and return its DOM."""
        answer = self.page.goto(self.base_url + path)
        assert answer is not None
        assert answer.status == 200, (path, answer.status)
        return self.nothing_lives(path)

    def nothing_lives(self, path: str) -> dict[str, Any]:
        """Return the DOM of the page that is open, having found that nothing in it lives."""
        found: dict[str, Any] = self.page.evaluate(DOM)
        assert (found["alive"], found["stopped"], self.amiss) == ([], [], []), path
        assert (found["canary"], found["scripts"]) == (True, 1), path
        return found

    def texts(self, selector: str) -> list[str]:
        """Return the text of each element, with its blanks as one."""
        return [plain(text) for text in self.page.evaluate(TEXTS, selector)]


def plain(text: str) -> str:
    return " ".join(text.split())


def storable(strings: Sequence[str]) -> list[str]:
    """Return the strings that a FHIR string may be; the door refuses the others."""
    kept = []
    for text in strings:
        try:
            check_document(a_patient(name=[{"family": text}]))
        except Invalid:
            continue
        kept.append(text)
    return kept


def write(exchange: LivingTown, strings: Sequence[str]) -> str:
    """Store a referral that holds each string as name, address, phone, e-mail, reason, note and outcome."""
    ids = exchange.town.ids
    sender, agency = (Actor(ActorKind.CLIENT, ids[one], f"client-{one}", strings[0]) for one in ("hospital", "pantry"))

    def keep(actor: Actor, body: Json) -> str:
        kept = create_document(session, actor, check_document(body)).document
        return f"{kept.type}/{kept.id}"

    with exchange.database.write() as session:
        telecom = [{"system": kind, "value": text} for text in strings for kind in ("phone", "email")]
        patient = keep(sender, a_patient(
            name=[{"family": strings[0], "given": list(strings[1:3])}], telecom=telecom,
            address=[{"line": list(strings), "city": strings[0], "state": strings[-1]}],
        ))  # fmt: skip
        reasons = [keep(sender, a_condition(patient, text)) for text in strings[:20]]
        request = keep(sender, a_request(
            patient, code={"text": strings[0]}, reasonReference=[{"reference": one} for one in reasons]
        ))  # fmt: skip
        notes = [{"text": text, "authorString": text} for text in strings]
        task = keep(sender, a_referral(patient, request, ids["hospital"], ids["pantry"], note=notes))
        task_id = task.partition("/")[2]
        answer_referral(session, agency, task_id, "accept", note=strings[-1])
        answer_referral(session, agency, task_id, "fail", reason=Reason("other", strings[0]), note=strings[0])
    return task_id


def a_condition(patient: str, text: str) -> Json:
    return {
        "resourceType": "Condition", "subject": {"reference": patient}, "code": {"text": text},
        "clinicalStatus": {"coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}
        ]},
    }  # fmt: skip


@pytest.mark.invariant(
    "no-string-comes-to-life", "What people write is text in the browser's DOM wherever it is shown, whatever it says."
)
def test_hostile_strings_are_text_wherever_they_are_shown(
    exchange: LivingTown, reader: Reader, reached: Reached
) -> None:
    strings = storable([*OWN, *lists()])
    reader.sign_in()
    harmless = write(exchange, [f"Word {number}" for number in range(25)])
    known = set(reader.look(f"/referrals/{harmless}")["shapes"])
    pages = 1

    for start in range(0, len(strings), AT_ONCE):
        some = strings[start : start + AT_ONCE]
        found = reader.look(f"/referrals/{write(exchange, some)}")
        assert set(found["shapes"]) <= known, set(found["shapes"]) - known
        written = [plain(text) for text in some]
        assert set(written) <= set(reader.texts(".note-text")), "each note is shown as it was written"
        shown = plain(reader.page.evaluate("document.querySelector('[aria-labelledby=person]').textContent"))
        assert [text for text in written if text not in shown] == [], "each address line and e-mail is shown as written"
        pages += 1

    reached(strings=len(strings), pages=pages, places=7)


def test_hostile_names_of_people_and_organisations_are_text_in_the_lists(exchange: LivingTown, reader: Reader) -> None:
    names = [text for text in storable([*OWN, *lists()[::40]]) if len(plain(text)) <= 200 and plain(text)]
    some = [*OWN[:4], *names[20:40]]
    exchange.invite("hospital", "Dana", Role.ADMINISTRATOR)
    with exchange.database.write() as session:
        for number, name in enumerate(names):
            email = f"p{number}@hospital.invalid"
            invite_user(session, OPERATOR, exchange.town.ids["hospital"], email, Role.CASE_WORKER, name)
        for number, name in enumerate(some):
            joining = Joining(name, "agency", email=f"a{number}@agency.invalid")
            exchange.town.ids[f"agency {number}"] = add_organization(session, OPERATOR, joining)
    for number in range(len(some)):
        exchange.send(f"agency {number}", requested=some[number], note=some[number])
    reader.sign_in()

    reader.look("/people")
    people = set(reader.texts(".line-title"))
    reader.look("/sent")
    sent = " ".join(reader.texts(".line-facts"))

    assert {plain(name) for name in names} <= people
    assert [name for name in some if plain(name) not in sent] == []


def test_hostile_entries_of_a_directory_are_text_where_agencies_are_chosen(
    exchange: LivingTown, reader: Reader, tmp_path: Path
) -> None:
    path = write_hsds(county(1), tmp_path / "county")
    document = json.loads(path.read_text(encoding="utf-8"))
    names = itertools.cycle(storable([*OWN, *lists()[::60]]))
    for one in (*document["organizations"], *document["services"]):
        one |= {"name": next(names), "description": next(names), "alternate_name": next(names)}
    path.write_text(json.dumps(document), encoding="utf-8")
    import_source(exchange.database.write, path, now=exchange.clock())
    reader.sign_in()
    reader.look("/send")
    for label, said in (("First name", OWN[0]), ("Last name", OWN[1]), ("ZIP code", HOME)):
        reader.page.get_by_label(label, exact=True).fill(said)
    reader.page.get_by_label("What is needed", exact=True).select_option(label="Food")
    reader.page.get_by_label("What you ask of the agency", exact=True).fill(OWN[2])

    reader.page.get_by_role("button", name="Find agencies").click()
    reader.page.wait_for_selector(".option-service")

    reader.nothing_lives("/send")
    written = {plain(one["name"]) for one in (*document["organizations"], *document["services"])}
    shown = reader.texts(".option-service")
    assert len(shown) > 3
    assert [name for name in shown if name not in written] == []


@pytest.fixture
def reader(chromium: "Browser", exchange: LivingTown) -> Iterator[Reader]:
    context = chromium.new_context(locale="en-US")
    yield Reader(context.new_page(), exchange.base_url)
    context.close()
