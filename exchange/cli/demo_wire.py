"""How the demo's parties talk: plain HTTP to the exchange, written down as it happens, with every secret masked."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urljoin, urlsplit

import requests

from exchange.outbound import outbound_session

FORM: Final = "application/x-www-form-urlencoded"
#  no secret of ours is shorter; a shorter text would blacken half the transcript
SHORTEST_SECRET: Final = 6
#  headers that carry secrets only, whatever their value
SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "set-cookie"})
#  headers worth reading in a transcript
SHOWN_HEADERS: Final = (
    "Content-Type", "Accept", "Authorization", "Cookie", "If-Match", "If-None-Exist", "Prefer", "Location", "ETag",
    "Last-Modified", "Set-Cookie", "WWW-Authenticate", "Retry-After", "X-Request-Id",
)  # fmt: skip


class DemoFailed(Exception):
    """A step of the demo did not hold; the message is a whole sentence."""


@dataclass
class Transcript:
    """Every HTTP exchange in its order. Secrets are told to `hide` as parties learn them, and masked when written."""

    entries: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)

    def hide(self, secret: str | None, what: str) -> None:
        """Mask a text wherever it stands; `what` names it in its place."""
        if secret and len(secret) >= SHORTEST_SECRET:
            self.secrets[secret] = f"[{what}]"

    def note(self, party: str, answer: requests.Response) -> None:
        """Write down one request with its answer."""
        asked = answer.request
        path = urlsplit(asked.url or "")._replace(scheme="", netloc="").geturl()
        sent = asked.body.decode() if isinstance(asked.body, bytes) else asked.body or ""
        lines = [
            f"=== {len(self.entries) + 1}. {party}",
            f"{asked.method} {path}",
            *_headers(asked.headers),
            *(["", _readable(str(sent))] if sent else []),
            "",
            f"{answer.status_code} {answer.reason}",
            *_headers(answer.headers),
            *(["", _readable(answer.text)] if answer.content else []),
        ]
        self.entries.append("\n".join(lines))

    def text(self) -> str:
        """Return the whole transcript, masked."""
        written = "\n\n\n".join(self.entries) + "\n"
        #  the longest first, so that no secret is half masked by a shorter one inside it
        for secret in sorted(self.secrets, key=len, reverse=True):
            written = written.replace(secret, self.secrets[secret])
        return written

    def save(self, path: Path) -> None:
        """Write the transcript into a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text(), encoding="utf-8")


def _headers(headers: Any) -> list[str]:
    shown = [(name, headers[name]) for name in SHOWN_HEADERS if name in headers]
    return [f"{name}: {'[secret]' if name.lower() in SECRET_HEADERS else value}" for name, value in shown]


def _readable(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body.strip()


@dataclass
class Wire:
    """One party's line to the exchange at `base_url`. No redirect is followed, no cookie kept: parties do that."""

    base_url: str
    transcript: Transcript
    party: str

    def __post_init__(self) -> None:
        self._session = outbound_session((urlsplit(self.base_url).netloc,))

    def ask(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, body: str | None = None
    ) -> requests.Response:
        """Send a request to a path, or to an address of the exchange, and return its answer."""
        url = urljoin(self.base_url + "/", path)
        try:
            answer = self._session.request(method, url, headers=headers, data=body.encode() if body else None)
        except requests.RequestException as error:
            raise DemoFailed(f"The exchange did not answer {self.party} ({type(error).__name__}).") from None
        self.transcript.note(self.party, answer)
        return answer

    def post_form(self, path: str, fields: dict[str, str], headers: dict[str, str] | None = None) -> requests.Response:
        """Post form fields."""
        return self.ask("POST", path, headers={**(headers or {}), "Content-Type": FORM}, body=urlencode(fields))


@dataclass
class Form:
    """A form of a page: where it goes, and what its fields hold. `values` of a choice are all that can be chosen."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)


class Page(HTMLParser):
    """A page as a person meets it: its text, its links and its forms."""

    def __init__(self, path: str, answer: requests.Response) -> None:
        super().__init__()
        self.path, self.status = path, answer.status_code
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._words: list[str] = []
        self._open: Form | None = None
        self._select = self._area = ""
        self._silent = 0
        self.feed(answer.text)

    @property
    def text(self) -> str:
        """The words of the page, as one line."""
        return " ".join(" ".join(self._words).split())

    def form(self, ending: str) -> Form:
        """Return the form whose address ends so. Raises DemoFailed when the page has none."""
        for form in self.forms:
            if urlsplit(form.action).path.endswith(ending):
                return form
        raise DemoFailed(f"The page {masked_path(self.path)} offers no form that goes to {ending}.")

    def has_form(self, ending: str) -> bool:
        """Return whether the page has such a form."""
        return any(urlsplit(form.action).path.endswith(ending) for form in self.forms)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("script", "style", "template"):
            self._silent += 1
        elif tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "form":
            self._open = Form(given.get("action") or self.path, given.get("method", "get").lower())
            self.forms.append(self._open)
        elif self._open is not None and given.get("name"):
            self._field(tag, given, self._open)
        elif self._open is not None and tag == "option" and self._select:
            self._option(given, self._open)

    def _field(self, tag: str, given: dict[str, str], form: Form) -> None:
        name, kind = given["name"], given.get("type", "text")
        if tag == "select":
            self._select = name
            form.fields.setdefault(name, "")
        elif tag == "textarea":
            self._area = name
            form.fields[name] = ""
        elif tag == "input" and kind in ("radio", "checkbox"):
            form.choices.setdefault(name, []).append(given.get("value", "on"))
            if "checked" in given:
                form.fields[name] = given.get("value", "on")
        elif tag == "input" and kind not in ("submit", "button"):
            form.fields[name] = given.get("value", "")

    def _option(self, given: dict[str, str], form: Form) -> None:
        form.choices.setdefault(self._select, []).append(given.get("value", ""))
        if "selected" in given:
            form.fields[self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "template"):
            self._silent -= 1
        elif tag == "form":
            self._open = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area and self._open is not None:
            self._open.fields[self._area] += data
        elif not self._silent:
            self._words.append(data)


def masked_path(path: str) -> str:
    """Return a path without the secret of a link in it."""
    kept = urlsplit(path).path.split("/")
    return "/".join(
        "…" if before in ("answer", "invitation") else part for before, part in zip(["", *kept], kept, strict=False)
    )
