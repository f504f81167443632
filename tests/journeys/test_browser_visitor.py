"""The visitor of the journeys notices what it is there to notice: one page with one fault each."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from exchange.web.headers import CONTENT_POLICY
from tests.journeys.visitor import DESK, HEIGHTS, Visitor
from tests.loopback import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.e2e

GOOD = '<!doctype html><html lang="en"><title>A page</title><main><h1>A page</h1>{}</main></html>'
Visit = Callable[..., Visitor]


def test_a_good_page_passes(visit: Visit) -> None:
    visitor = visit("<p>All is well.</p>")

    visitor.open("/")
    visitor.leave()


@pytest.mark.parametrize(
    ("content", "headers", "complaint"),
    [
        ('<input type="text">', {}, "Ensure every form element has a label"),
        (f'<svg width="{DESK + 100}" height="1"></svg>', {}, "px wide"),
        ("<script>document.title = 'changed'</script>", {}, "inline script"),
        ('<p onclick="alert(1)">Press</p>', {}, "inline event handler"),
        ("<h1>Another</h1>", {}, "one heading"),
        ("<p>All is well.</p>", {"Content-Security-Policy": "default-src 'self'"}, "default-src"),
        ("<p>All is well.</p>", {"Content-Security-Policy": f"{CONTENT_POLICY} 'unsafe-inline'"}, "unsafe"),
        ("<p>All is well.</p>", {"Cache-Control": "max-age=60"}, "max-age=60"),
        (
            '<img alt="" src="http://127.0.0.1:9/elsewhere.png">',
            {"Content-Security-Policy": CONTENT_POLICY.replace("img-src", "img-src http://127.0.0.1:9")},
            "a request to http://127.0.0.1:9/elsewhere.png",
        ),
    ],
)
def test_a_fault_is_noticed(visit: Visit, content: str, headers: dict[str, str], complaint: str) -> None:
    visitor = visit(content, **headers)

    with pytest.raises(AssertionError, match=complaint):
        visitor.open("/")


def test_a_status_that_was_not_expected_is_noticed(visit: Visit) -> None:
    visitor = visit("<p>All is well.</p>")

    with pytest.raises(AssertionError, match="answered 200"):
        visitor.open("/", answers=404)


def test_a_page_that_nobody_looked_at_is_noticed(visit: Visit) -> None:
    visitor = visit('<p><a href="/next">Next</a></p>')
    visitor.open("/")
    visitor.page.get_by_role("link").click()
    visitor.page.wait_for_url("**/next")

    with pytest.raises(AssertionError, match="nobody looked at"):
        visitor.leave()


def test_a_dialog_is_noticed(visit: Visit) -> None:
    visitor = visit("<p>All is well.</p>")
    visitor.open("/")
    visitor.page.evaluate("() => alert('hello')")

    with pytest.raises(AssertionError, match="a dialog: hello"):
        visitor.leave()


@pytest.fixture
def visit(chromium: "Browser") -> Iterator[Visit]:
    """Return what gives a visitor to a house of one page."""
    page: dict[str, Any] = {}

    def house(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", list(page["headers"].items()))
        return [page["body"]]

    with served(house) as server:
        context = chromium.new_context(viewport={"width": DESK, "height": HEIGHTS[DESK]})

        def one(content: str, **headers: str) -> Visitor:
            page["body"] = GOOD.format(content).encode()
            page["headers"] = {
                "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": CONTENT_POLICY,
                "Cache-Control": "no-store", **headers,
            }  # fmt: skip
            return Visitor(context, f"http://127.0.0.1:{server.port}", DESK, scripts=True, label="one-page")

        yield one
        context.close()
