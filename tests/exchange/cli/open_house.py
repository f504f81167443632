"""A house of the command line over the database of a test."""

from typing import Any

from exchange.cli.house import House
from exchange.config import Config


class OpenHouse(House):
    """A house over the database of a test, with its standing clock."""

    def __init__(self, config: Config, house: Any) -> None:
        super().__init__(config)
        self.database = house.database  # type: ignore[misc]  # in place of the one the settings name
        self._clock = house.clock

    def now(self) -> Any:
        return self._clock()
