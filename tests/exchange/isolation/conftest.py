"""The worlds of the isolation tests: made once, then copied. One has the others' documents in it, one has not."""

from collections.abc import Iterator

import pytest

from tests.exchange.isolation.world import World, copy_of, furnish_others, settled_world

Settled = tuple[str, World]


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settled]:
    """A furnished database without the others' documents, which copies are made of."""
    with settled_world(tmp_path_factory.mktemp("settled")) as made:
        yield made


@pytest.fixture(scope="session")
def alone(settled: Settled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which the other hospital and the other agency have joined, and have written nothing."""
    with copy_of(settled, tmp_path_factory.mktemp("alone")) as world:
        yield world


@pytest.fixture(scope="session")
def together(settled: Settled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The same world, in which they have written; tests leave what they find in it as it is."""
    with copy_of(settled, tmp_path_factory.mktemp("together")) as world:
        furnish_others(world)
        yield world


@pytest.fixture(scope="session")
def world(settled: Settled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with the others' documents, in which tests may write more; what it keeps stays as it is."""
    with copy_of(settled, tmp_path_factory.mktemp("world")) as world:
        furnish_others(world)
        yield world


@pytest.fixture(scope="module")
def changing_world(settled: Settled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which the tests of a file may change what it keeps, too; the others have written nothing."""
    with copy_of(settled, tmp_path_factory.mktemp("changing")) as world:
        yield world
