"""What the demo's parties see of a page, and what a transcript shows of what they said."""

import pytest
import requests

from exchange.cli.demo_wire import DemoFailed, Page, Transcript, masked_path

HTML = """
<html><head><title>A page</title><style>p {}</style></head><body>
<a href="/sent">Our referrals</a><p>Waiting for an answer</p><script>hidden()</script>
<form method="post" action="/referrals/7/answer/reject">
  <input type="hidden" name="csrf_token" value="token-1234567"><input name="by" value="">
  <select name="code"><option value="">Choose</option><option value="no-capacity" selected>No room</option></select>
  <input type="radio" name="receiver" value="a"><input type="radio" name="receiver" value="b" checked>
  <textarea name="text">So far</textarea><button name="step" value="x">Go</button>
</form></body></html>
"""


def answer(body: str, *, path: str = "/page", sent: str | None = None, **headers: str) -> requests.Response:
    made = requests.Response()
    made.status_code, made.reason, made._content, made.encoding = 200, "OK", body.encode(), "utf-8"
    made.headers.update(headers)
    asked = requests.Request("POST" if sent else "GET", f"http://127.0.0.1:1{path}", data=sent)
    made.request = asked.prepare()
    made.request.headers.update({"Authorization": "Bearer abcdefghij"})
    return made


def test_a_page_gives_its_words_and_its_forms_with_what_they_hold() -> None:
    page = Page("/page", answer(HTML))

    form = page.form("/answer/reject")

    assert "Waiting for an answer" in page.text
    assert "hidden()" not in page.text
    assert page.links == ["/sent"]
    assert form.method == "post"
    assert form.fields == {
        "csrf_token": "token-1234567", "by": "", "code": "no-capacity", "receiver": "b", "text": "So far",
    }  # fmt: skip
    assert form.choices == {"code": ["", "no-capacity"], "receiver": ["a", "b"]}


def test_a_form_that_a_page_does_not_offer_is_told_without_the_secret_of_its_address() -> None:
    page = Page("/answer/very-secret-token", answer("<p>Nothing here</p>"))

    with pytest.raises(DemoFailed) as refused:
        page.form("/answer/accept")

    assert str(refused.value) == "The page /answer/… offers no form that goes to /answer/accept."


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/answer/abcdef/answer/accept", "/answer/…/answer/…"),
        ("/invitation/abcdef", "/invitation/…"),
        ("/referrals/7?again=1", "/referrals/7"),
    ],
)
def test_a_path_in_a_sentence_names_no_secret(path: str, shown: str) -> None:
    assert masked_path(path) == shown


def test_a_transcript_masks_a_secret_wherever_it_stands_also_before_it_was_known() -> None:
    transcript = Transcript()
    transcript.note("The EHR", answer('{"access_token": "s3cret-token"}', sent="password=s3cret-word"))

    transcript.hide("s3cret-token", "access token")
    transcript.hide("s3cret-word", "password")

    text = transcript.text()
    assert "s3cret" not in text
    assert '"access_token": "[access token]"' in text
    assert "password=[password]" in text
    assert "Authorization: [secret]" in text


def test_a_longer_secret_is_not_half_masked_by_a_shorter_one() -> None:
    transcript = Transcript(entries=["abcdef-ghijkl"])
    transcript.hide("abcdef", "short")
    transcript.hide("abcdef-ghijkl", "long")

    assert transcript.text().strip() == "[long]"


def test_cookies_are_never_written_down() -> None:
    transcript = Transcript()

    transcript.note("Somebody", answer("", **{"Set-Cookie": "exchange_session=abc"}))

    assert "Set-Cookie: [secret]" in transcript.text()
    assert "abc" not in transcript.text().replace("abcdefghij", "")
