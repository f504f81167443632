"""What the browser journeys share: a town, a Chromium, and people who walk in. Nothing here runs without `-m e2e`."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.journeys.town import LivingTown, Town, build_town, living
from tests.journeys.visitor import DESK, HEIGHTS, PHONE, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WalkIn = Callable[..., Visitor]
#  containers run as root and have no graphics; the rest keeps Chromium from calling home
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-quic",
)  # fmt: skip


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """The town as every journey finds it."""
    return build_town(tmp_path_factory.mktemp("town"))


@pytest.fixture
def exchange(town: Town, tmp_path: Path) -> Iterator[LivingTown]:
    """A copy of the town, served."""
    with living(town, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    """Chromium, one for each file of journeys: its event loop must not outlive them."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up("Chromium is not installed: get it with `sudo apt-get install chromium`.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(params=[PHONE, DESK], ids=["360px", "1280px"])
def width(request: pytest.FixtureRequest) -> int:
    """The width of the screen: a phone's, then a desk's."""
    return request.param


@pytest.fixture
def walk_in(chromium: "Browser", exchange: LivingTown, width: int, request: pytest.FixtureRequest) -> Iterator[WalkIn]:
    """Return what gives a person a browser of their own; at the end each is asked whether anything was amiss."""
    visitors: list[Visitor] = []
    contexts = []

    def walks_in(*, scripts: bool = True, locale: str = "en-US") -> Visitor:
        context = chromium.new_context(
            viewport={"width": width, "height": HEIGHTS[width]}, has_touch=width == PHONE, is_mobile=width == PHONE,
            java_script_enabled=scripts, locale=locale,
        )  # fmt: skip
        contexts.append(context)
        label = f"{request.node.originalname.removeprefix('test_')[:40]}-{len(visitors)}{'' if scripts else '-plain'}"
        visitors.append(Visitor(context, exchange.base_url, width, scripts=scripts, label=label))
        return visitors[-1]

    yield walks_in
    try:
        for visitor in visitors:
            visitor.leave()
    finally:
        for context in contexts:
            context.close()
