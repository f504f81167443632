"""A person at a browser who looks hard at every page: axe, width, headers, console, and where requests go.

With `EXCHANGE_JOURNEY_PICTURES=FOLDER` every page that is looked at is photographed into that folder.
"""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Response

PHONE, DESK = 360, 1280
#  width and whether scripts run: a journey without JavaScript is made once, on a phone
WITH_AND_WITHOUT_SCRIPTS: Final = {
    "360px": (PHONE, True), "1280px": (DESK, True), "360px-without-javascript": (PHONE, False),
}  # fmt: skip
HEIGHTS: Final = {PHONE: 740, DESK: 900}
PATIENCE_MS: Final = 10_000
#  inline script and style, and everything from elsewhere, stay out of these
OURS_ALONE: Final = {"default-src": ["'none'"], "script-src": ["'self'"], "style-src": ["'self'"]}
PICTURES: Final = "EXCHANGE_JOURNEY_PICTURES"
_IN_AN_ADDRESS: Final = re.compile(r"/(?:[0-9a-f-]{36}|[\w-]{20,})(?=/|$)")


class Visitor:
    """A browser of a width. On a phone it taps, on a desk it clicks; `taps` counts both, a link in a mail included."""

    def __init__(self, context: "BrowserContext", base_url: str, width: int, *, scripts: bool, label: str) -> None:
        self.base_url, self.width, self.scripts, self.label = base_url, width, scripts, label
        self.taps = 0
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self._answers: list[Response] = []
        self._looked = 0
        self._complaints: list[str] = []
        self._expected: set[str] = set()
        context.on("request", lambda request: self._note_request(request.url))
        self.page.on("response", self._note_answer)
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self._complaints.append(f"script error: {error}"))
        self.page.on("dialog", self._note_dialog)

    #  going

    def open(self, address: str, *, answers: int = 200) -> None:
        """Open an address of the exchange, typed in or from a bookmark."""
        with self._going(answers):
            self.page.goto(address if "://" in address else self.base_url + address)

    def tap_in_mail(self, link: str) -> None:
        """Tap a link in a mail."""
        self.taps += 1
        self.open(link)

    def press(self, name: str, *, inside: "Locator | None" = None, answers: int = 200) -> None:
        """Press a button that sends a form, and look at the page it leads to."""
        self._go(self._place(inside).get_by_role("button", name=name, exact=True), answers)

    def follow(self, name: str | re.Pattern[str], *, inside: "Locator | None" = None, answers: int = 200) -> None:
        """Follow a link, and look at the page it leads to."""
        self._go(self._place(inside).get_by_role("link", name=name), answers)

    def press_key(self, key: str) -> None:
        """Press a key that leads to another page, and look at it."""
        with self._going(200):
            self.page.keyboard.press(key)

    #  filling in

    def fill(self, label: str, text: str, *, inside: "Locator | None" = None) -> None:
        """Type into a field, found by its label."""
        self._place(inside).get_by_label(label, exact=True).fill(text)

    def choose(self, label: str, option: str, *, inside: "Locator | None" = None) -> None:
        """Choose from a list, found by its label."""
        self._place(inside).get_by_label(label, exact=True).select_option(label=option)

    def pick(self, name: str | re.Pattern[str], *, inside: "Locator | None" = None) -> None:
        """Pick a radio button or tick a box, found by its words."""
        self._tap(self._place(inside).get_by_label(name))

    def unfold(self, words: str) -> "Locator":
        """Unfold the step of these words and return it: fields are filled and buttons pressed inside it."""
        step = self.page.locator("details", has=self.page.locator("summary", has_text=re.compile(rf"^\s*{words}\s*$")))
        self._tap(step.locator("summary"))
        return step

    def sign_in(self, email: str, password: str) -> None:
        """Fill in the sign-in page and press its button."""
        self.fill("E-mail address", email)
        self.fill("Password", password)
        self.press("Sign in")

    #  seeing

    @property
    def path(self) -> str:
        """The path of the page."""
        return urlsplit(self.page.url).path

    def text(self) -> str:
        """Return what can be read on the page, unfolded or not, on one line."""
        return " ".join((self.page.locator("body").text_content() or "").split())

    def sees(self, *texts: str) -> None:
        """Fail unless each text can be seen on the page without unfolding anything."""
        visible = " ".join(self.page.locator("body").inner_text().split())
        for text in texts:
            assert text in visible, f"{text!r} cannot be seen on {self.path}: {visible}"

    def sees_above_all(self, text: str) -> None:
        """Fail unless a text stands above all of the page's content, across its width, where it is seen at once."""
        banner = self.page.get_by_role("alert").filter(has_text=text).bounding_box()
        main = self.page.locator("main").bounding_box()
        assert banner is not None, f"{text!r} cannot be seen on {self.path}"
        assert main is not None
        assert banner["y"] + banner["height"] <= main["y"] + 1, "something of the page stands above the banner"
        assert banner["width"] >= self.width - 20, "the banner does not span the page"
        assert banner["y"] + banner["height"] <= HEIGHTS[self.width], "the banner is below the first screen"

    def does_not_see(self, *texts: str) -> None:
        """Fail if a text is anywhere in the page, folded or not, or in its source."""
        content = self.page.content()
        for text in texts:
            assert text not in content, f"{text!r} is on {self.path}"

    def focused(self) -> str:
        """Return the words of what has the focus: a label's, else its own."""
        return " ".join(
            self.page.evaluate(
                "() => { const at = document.activeElement;"
                " return (at.labels?.[0] ?? at).textContent || at.getAttribute('aria-label') || ''; }"
            ).split()
        )

    def tab_to(self, words: str, *, most: int = 60) -> None:
        """Press Tab until what has these words has the focus, and see that the focus shows."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if self.focused() == words:
                outline = self.page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
                assert outline == "solid", f"the focus on {words!r} cannot be seen"
                return
        raise AssertionError(f"{words!r} cannot be reached with the Tab key on {self.path}")

    def leave(self) -> None:
        """Close the browser: every page that was answered must have been looked at, and nothing may be amiss."""
        pages = [(one.url, one.status) for one in self._answers]
        assert len(pages) == self._looked, f"pages that nobody looked at: {pages[self._looked :]}"
        assert not self._complaints, self._complaints
        self.page.close()

    #  what happens meanwhile

    def _place(self, inside: "Locator | None") -> Any:
        return inside if inside is not None else self.page

    def _tap(self, target: "Locator") -> None:
        self.taps += 1
        if self.width == PHONE:
            target.tap()
        else:
            target.click()

    def _go(self, target: "Locator", answers: int) -> None:
        with self._going(answers):
            self._tap(target)

    def _going(self, answers: int) -> "_Going":
        return _Going(self, answers)

    def look(self, answers: int) -> None:
        """Look at the page that has come: its answer, its width, and what axe finds."""
        self.page.wait_for_load_state("load")
        self._looked += 1
        assert len(self._answers) == self._looked, "one step led to more than one page"
        answer = self._answers[-1]
        assert answer.status == answers, f"{self.path} answered {answer.status}: {self.text()}"
        self._take_picture()
        policy = _policy(answer.headers["content-security-policy"])
        assert {name: policy.get(name) for name in OURS_ALONE} == OURS_ALONE, policy
        assert "unsafe" not in answer.headers["content-security-policy"], policy
        assert answer.headers["cache-control"] == "no-store", answer.headers["cache-control"]
        wide = self.page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= self.width, f"{self.path} is {wide} px wide on a screen of {self.width}"
        assert self.page.locator("h1").count() == 1, "a page has one heading of the first order"
        if self.scripts:
            self._ask_axe()
        assert not self._complaints, self._complaints

    def _ask_axe(self) -> None:
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page)
        assert found.violations_count == 0, f"{self.path}\n{found.generate_report()}"

    def _take_picture(self) -> None:
        folder = os.environ.get(PICTURES)
        if folder:
            name = _IN_AN_ADDRESS.sub("", self.path).strip("/").replace("/", "-") or "inbox"
            path = Path(folder) / f"{self.width}-{self.label}-{self._looked:02}-{name}.png"
            self.page.screenshot(path=path, full_page=True)

    def expect(self, answers: int) -> None:
        """Expect that the next page is a refusal of this status, which the browser notes on its console."""
        if answers >= 400:
            self._expected.add(f"the server responded with a status of {answers} ")

    def _note_answer(self, answer: "Response") -> None:
        if answer.request.is_navigation_request() and not 300 <= answer.status < 400:
            self._answers.append(answer)
        elif answer.status >= 400:
            self._complaints.append(f"{answer.status} for {answer.url}")

    def _note_request(self, url: str) -> None:
        if not url.startswith((f"{self.base_url}/", "data:")):
            self._complaints.append(f"a request to {url}")

    def _note_console(self, said: "ConsoleMessage") -> None:
        if said.type in ("error", "warning") and not any(one in said.text for one in self._expected):
            self._complaints.append(f"console: {said.text}")

    def _note_dialog(self, dialog: Any) -> None:
        self._complaints.append(f"a dialog: {dialog.message}")
        dialog.dismiss()


class _Going:
    """From one page to the next: wait for it, then look at it."""

    def __init__(self, visitor: Visitor, answers: int) -> None:
        self._visitor, self._answers = visitor, answers

    def __enter__(self) -> None:
        self._visitor.expect(self._answers)
        self._waiting = self._visitor.page.expect_navigation(wait_until="load")
        self._waiting.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._waiting.__exit__(*error)
        if error[0] is None:
            self._visitor.look(self._answers)


def _policy(header: str) -> dict[str, list[str]]:
    """Return a content policy as directives with their sources."""
    return {name: sources for name, *sources in (part.split() for part in header.split(";"))}
