"""Figures: what a measure came to, in rounds, and as a share of its floor in the same run."""

import os
import platform
import sqlite3
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.benchmarks.load import Tally
from tests.benchmarks.measures import Measure

#  above this share of a core it may have been the client that set the pace
CLIENT_IS_BUSY = 0.9


@dataclass
class Figure:
    """What one measure came to. `rounds` are requests per second, a number per round."""

    measure: Measure
    audit: str
    latencies: list[int] = field(default_factory=list)
    seconds: float = 0.0
    rounds: list[float] = field(default_factory=list)
    busy: float = 0.0

    @property
    def key(self) -> tuple[str, str]:
        """By what a figure is found: the measure and the mode of the audit."""
        return self.measure.name, self.audit

    def add(self, tally: Tally) -> None:
        """Add the tally of a round."""
        self.latencies += tally.latencies
        self.seconds += tally.seconds
        self.rounds.append(len(tally.latencies) / tally.seconds if tally.seconds else 0.0)
        self.busy = max(self.busy, tally.busy)

    @property
    def per_second(self) -> float:
        """Requests per second over all rounds."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile_ms(self, percent: float) -> float:
        """Return the latency (milliseconds) that `percent` of the requests did not exceed; 0 without any."""
        return percentile(self.latencies, percent) / 1000


def percentile(values: list[int], percent: float) -> int:
    """Return the nearest-rank percentile: the smallest value that `percent` of them do not exceed; 0 for none."""
    if not values:
        return 0
    rank = -(-len(values) * percent // 100)
    return sorted(values)[max(int(rank), 1) - 1]


def share(figure: Figure, floor: Figure) -> float:
    """Return the requests per second of a figure as a share of its floor's; 0 where the floor has none."""
    return figure.per_second / floor.per_second if floor.per_second else 0.0


def spread(figure: Figure, floor: Figure) -> tuple[float, float]:
    """Return the lowest and the highest share that a round came to, each against the floor of the same round."""
    shares = [own / bare for own, bare in zip(figure.rounds, floor.rounds, strict=False) if bare]
    return (min(shares), max(shares)) if shares else (0.0, 0.0)


def as_json(figures: list[Figure], mails: Any, said: dict[str, Any]) -> dict[str, Any]:
    """Return everything as one JSON document: the machine, what was asked for, every measure, how soon was told."""
    floors = {figure.measure.name: figure for figure in figures if not figure.measure.floor}
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "settings": said,
        "measures": [_measure_json(figure, floors) for figure in figures],
        "told": mails
        and {"mails": len(mails.latencies), "p50_ms": mails.milliseconds(50), "p99_ms": mails.milliseconds(99)},
    }


def _measure_json(figure: Figure, floors: dict[str, Figure]) -> dict[str, Any]:
    measure = figure.measure
    found: dict[str, Any] = {
        "name": measure.name,
        "title": measure.title,
        "audit": figure.audit,
        "requests": len(figure.latencies),
        "seconds": round(figure.seconds, 3),
        "per_second": round(figure.per_second, 1),
        "p50_ms": round(figure.percentile_ms(50), 3),
        "p99_ms": round(figure.percentile_ms(99), 3),
        "client_busy": round(figure.busy, 2),
    }
    if measure.floor in floors:
        floor = floors[measure.floor]
        low, high = spread(figure, floor)
        found |= {
            "floor": measure.floor,
            "share_of_floor": round(share(figure, floor), 4),
            "share_by_round": [round(low, 4), round(high, 4)],
            "target": measure.target(figure.audit),
        }
    return found


@dataclass(frozen=True)
class Machine:
    """What a figure depends on besides the code. `load` is the load average of a minute when it ended."""

    cores: int | None
    system: str
    python: str
    sqlite: str
    load: float | None


def machine() -> dict[str, Any]:
    """Return what is known about this machine."""
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    system = f"{platform.system()} {platform.machine()}"
    return asdict(Machine(os.cpu_count(), system, platform.python_version(), sqlite3.sqlite_version, load))
