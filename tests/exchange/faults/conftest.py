"""What the tests of races and faults share: a receiver of webhooks, and two web servers with a worker that stay up."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.databases import new_database
from tests.exchange.faults.client import Line
from tests.exchange.faults.servers import Street, street
from tests.exchange.faults.sink import Sink, sink

NewLine = Callable[..., Line]
NewStreet = Callable[..., AbstractContextManager[Street]]


@pytest.fixture(scope="session")
def hook() -> Iterator[Sink]:
    """A receiver of webhooks."""
    with sink() as made:
        yield made


@pytest.fixture(scope="session")
def new_street(migrated: str, hook: Sink, tmp_path_factory: pytest.TempPathFactory) -> NewStreet:
    """Return what gives processes over a database of their own: `with new_street(webs=2) as street:`."""

    @contextmanager
    def make(*, webs: int, workers: int = 1) -> Iterator[Street]:
        folder: Path = tmp_path_factory.mktemp("street")
        with (
            new_database(folder, like=migrated) as url,
            street(url, folder, webs=webs, workers=workers, allowed=hook.address) as made,
        ):
            yield made

    return make


@pytest.fixture(scope="session")
def two_webs(new_street: NewStreet) -> Iterator[Street]:
    """Two web servers over one database, up and running; its worker is not started. Tests add to what is there."""
    with new_street(webs=2) as made:
        made.start(*made.webs)
        yield made


@pytest.fixture
def line(two_webs: Street) -> Iterator[NewLine]:
    """Return what gives a program's connection: `line("hospital", 1)` talks to the second server first."""
    made: list[Line] = []

    def connect(label: str, at: int = 0) -> Line:
        made.append(Line(two_webs.ports, two_webs.parties.tokens[label], at))
        return made[-1]

    yield connect
    for one in made:
        one.hang_up()
