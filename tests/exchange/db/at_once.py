"""Two or more at the same moment: each in a thread, let go together, and what came of each."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

ROUNDS: Final = 20
LONGEST_SECONDS: Final = 30


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Return what each act returned or raised, in their order."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        start.wait(LONGEST_SECONDS)
        try:
            return act()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(LONGEST_SECONDS) for future in [pool.submit(run, act) for act in acts]]
