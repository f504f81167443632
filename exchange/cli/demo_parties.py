"""The parties of the demo, each on its own side of HTTP: the hospital's EHR, people at their browsers, a mailbox."""

import json
import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from exchange.cli.demo_wire import DemoFailed, Page, Transcript, Wire, masked_path

T = TypeVar("T")
Json = dict[str, Any]
FHIR_JSON: Final = "application/fhir+json"
ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPES: Final = (
    "system/Patient.crus system/Condition.crus system/Consent.crus system/ServiceRequest.crus system/Task.crus "
    "system/Procedure.rs system/HealthcareService.rs system/Organization.rs"
)
#  a token lives 300 seconds; a new one is fetched well before
RENEW_AFTER: Final = timedelta(seconds=200)
PATIENCE_SECONDS: Final = 15.0
LOOK_SECONDS: Final = 0.05
LONGEST_TRAIL: Final = 5
_LINK: Final = re.compile(r"https?://\S+/(answer|invitation|referrals)/[\w\-]+")


def wait_for(look: Callable[[], T | None], failure: str, seconds: float = PATIENCE_SECONDS) -> T:
    """Return what `look` finds, looking again and again for a while. Raises DemoFailed with the sentence `failure`."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() > end:
            raise DemoFailed(failure)
        time.sleep(LOOK_SECONDS)


@dataclass
class EHRClient:
    """The hospital's record system: SMART Backend Services with a key of its own, then FHIR."""

    wire: Wire
    client_id: str
    key: ECKey
    _token: str = ""
    _fetched_at: datetime = datetime.min.replace(tzinfo=UTC)

    def fetch_token(self) -> Json:
        """Return the token endpoint's answer to an assertion signed with ES384."""
        found = self.wire.ask("GET", "/fhir/.well-known/smart-configuration")
        address = str(found.json()["token_endpoint"])
        at = datetime.now(UTC)
        claims = {
            "iss": self.client_id, "sub": self.client_id, "aud": address, "jti": secrets.token_urlsafe(24),
            "iat": int(at.timestamp()), "exp": int((at + timedelta(minutes=4)).timestamp()),
        }  # fmt: skip
        assertion = jwt.encode({"alg": "ES384", "typ": "JWT", "kid": self.key.kid}, claims, self.key, ["ES384"])
        self.wire.transcript.hide(assertion, "signed assertion")
        asked = {
            "grant_type": "client_credentials", "scope": SCOPES,
            "client_assertion_type": ASSERTION, "client_assertion": assertion,
        }  # fmt: skip
        answer = self.wire.post_form(address, asked)
        if answer.status_code != 200:
            raise DemoFailed(f"The token endpoint refused the EHR: {answer.text[:300]}")
        granted: Json = answer.json()
        self._token, self._fetched_at = granted["access_token"], at
        self.wire.transcript.hide(self._token, "access token")
        return granted

    def fhir(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        expect: Iterable[int] = (200, 201),
        headers: dict[str, str] | None = None,
    ) -> requests.Response:
        """Send a request to the FHIR door and return its answer. Raises DemoFailed when its status is not expected."""
        return self._ask(method, f"/fhir/{path}".rstrip("/"), body, expect, {"Accept": FHIR_JSON, **(headers or {})})

    def api(self, path: str) -> Json:
        """Return what a GET below /api answers."""
        answer: Json = self._ask("GET", f"/api/{path}", None, (200,), {"Accept": "application/json"}).json()
        return answer

    def _ask(
        self, method: str, path: str, body: Json | None, expect: Iterable[int], headers: dict[str, str]
    ) -> requests.Response:
        if datetime.now(UTC) - self._fetched_at > RENEW_AFTER:
            self.fetch_token()
        headers = {**headers, "Authorization": f"Bearer {self._token}"}
        if body is not None:
            headers["Content-Type"] = FHIR_JSON
        text = json.dumps(body, ensure_ascii=False) if body is not None else None
        answer = self.wire.ask(method, path, headers=headers, body=text)
        if answer.status_code not in set(expect):
            raise DemoFailed(f"{method} {path.partition('?')[0]} was answered {answer.status_code}: {_why(answer)}")
        return answer

    def task(self, task_id: str) -> Json:
        """Return a Task as the hospital reads it now."""
        found: Json = self.fhir("GET", f"Task/{task_id}").json()
        return found


def _why(answer: requests.Response) -> str:
    """Return the sentence of an OperationOutcome or of a problem document, else how the body begins."""
    try:
        body = answer.json()
    except ValueError:
        return answer.text[:200]
    issues = body.get("issue") or [{}]
    places = issues[0].get("expression") or [""]
    return f"{issues[0].get('diagnostics') or body.get('detail') or answer.text[:200]} {places[0]}".strip()


@dataclass
class Person:
    """Somebody at a browser, signed in or holding a link: cookies, forms with their hidden token, pages as words."""

    wire: Wire
    email: str = ""
    password: str = ""
    _cookies: dict[str, str] = field(default_factory=dict)

    def join(self, link: str, name: str) -> Page:
        """Open an invitation and choose a random password."""
        self.password = secrets.token_urlsafe(18)
        self.wire.transcript.hide(self.password, "password")
        self.wire.transcript.hide(link.rpartition("/")[2], "invitation")
        invitation = self.open(link)
        return self.submit(invitation, urlsplit(link).path, name=name, password=self.password)

    def sign_in(self) -> Page:
        """Sign in anew with the address and the password."""
        self._cookies.clear()
        return self.submit(self.open("/sign-in"), "/sign-in", email=self.email, password=self.password)

    def open(self, path: str, *, expect: int = 200) -> Page:
        """Open a page; a redirect is followed within the exchange. Raises DemoFailed for another status."""
        page = self._follow(self._ask("GET", path), path)
        if page.status != expect:
            raise DemoFailed(f"{self.wire.party} opened {masked_path(path)} and got {page.status}, not {expect}.")
        return page

    def submit(self, page: Page, ending: str, **fields: str) -> Page:
        """Fill in the form of a page whose address ends so, send it, and return the page that follows."""
        form = page.form(ending)
        values = {**form.fields, **fields}
        self.wire.transcript.hide(values.get("csrf_token"), "form token")
        answer = self._ask("POST", form.action, values)
        after = self._follow(answer, form.action)
        if after.status != 200:
            raise DemoFailed(f"{self.wire.party} was refused at {masked_path(form.action)}: {after.text[:400]}")
        return after

    def _ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> requests.Response:
        headers = {"Accept": "text/html", "Accept-Language": "en"}
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        if fields is None:
            answer = self.wire.ask(method, path, headers=headers)
        else:
            answer = self.wire.post_form(path, fields, headers)
        self._keep_cookies(answer)
        return answer

    def _keep_cookies(self, answer: requests.Response) -> None:
        for line in answer.raw.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.wire.transcript.hide(morsel.value, "cookie")
                if morsel.value:
                    self._cookies[name] = morsel.value
                else:
                    self._cookies.pop(name, None)

    def _follow(self, answer: requests.Response, path: str) -> Page:
        for _hop in range(LONGEST_TRAIL):
            if answer.status_code not in (302, 303):
                page = Page(path, answer)
                for form in page.forms:
                    self.wire.transcript.hide(form.fields.get("csrf_token"), "form token")
                return page
            path = answer.headers["Location"]
            answer = self._ask("GET", path)
        raise DemoFailed(f"{self.wire.party} was sent from page to page without an end.")


@dataclass
class Mailbox:
    """The folder into which the exchange writes its mails; each mail is handed out once."""

    folder: Path
    transcript: Transcript
    _seen: set[str] = field(default_factory=set)

    def wait_for(self, address: str, about: str) -> EmailMessage:
        """Return the next mail to an address whose subject holds these words, once it has come."""

        def look() -> EmailMessage | None:
            for name, mail in self.mails():
                if name not in self._seen and address in str(mail["To"]) and about in str(mail["Subject"]):
                    self._seen.add(name)
                    return mail
            return None

        return wait_for(look, f"No mail “{about}” came to {address}: is the worker running?")

    def mails(self) -> list[tuple[str, EmailMessage]]:
        """Return every mail so far by its file's name."""
        files = sorted(self.folder.glob("*.eml")) if self.folder.is_dir() else []
        reader = BytesParser(EmailMessage, policy=policy.default)
        return [(one.name, reader.parsebytes(one.read_bytes())) for one in files]

    def link_in(self, mail: EmailMessage) -> str:
        """Return the address a mail asks to open. Raises DemoFailed when it has none."""
        found = _LINK.search(text_of(mail))
        if found is None:
            raise DemoFailed("The mail holds no link to open.")
        if found[1] != "referrals":
            self.transcript.hide(found[0].rpartition("/")[2], f"{found[1]} link")
        return found[0]


def text_of(mail: EmailMessage) -> str:
    """Return the words of a mail."""
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""
