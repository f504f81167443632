"""The answer to `/metrics`: what was counted of requests, and what the database says at this moment.

Source: Prometheus text format 0.0.4. Labels hold routes, statuses and channels; no organisation, id or text.
"""

from collections.abc import Iterable, Iterator
from math import ceil
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exchange.db.figures import RECENT, Figures
from exchange.web.measures import Measures

TEXT_FORMAT: Final = "text/plain; version=0.0.4; charset=utf-8"
QUANTILES: Final = (0.5, 0.9, 0.99)
Pools = dict[str, tuple[int, int]]


class _Given(Collector):
    """Metrics that were made already."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def exposition(measures: Measures, found: Figures | None, pools: Pools) -> bytes:
    """Return the whole answer; without figures (the database does not answer) the rest of it."""
    registry = CollectorRegistry()
    registry.register(
        _Given([*_of_the_process(pools, is_up=found is not None), *(_of_the_house(found) if found else ())])
    )
    return generate_latest(measures.registry) + generate_latest(registry)


def _of_the_process(pools: Pools, *, is_up: bool) -> Iterator[Metric]:
    yield GaugeMetricFamily("exchange_database_up", "1 when the database answered this scrape.", value=float(is_up))
    size = GaugeMetricFamily("exchange_database_pool_size", "Connections a pool may hold.", labels=["pool"])
    out = GaugeMetricFamily("exchange_database_pool_out", "Connections of a pool in use now.", labels=["pool"])
    for name, (may_hold, in_use) in pools.items():
        size.add_metric([name], may_hold)
        out.add_metric([name], in_use)
    yield from (size, out)


def _of_the_house(found: Figures) -> Iterator[Metric]:
    yield _family(
        "exchange_referrals", "Referrals by status.", ("status",), {(k,): n for k, n in found.referrals.items()}
    )
    yield GaugeMetricFamily(
        "exchange_referrals_past_due", "Open referrals whose clock has run out and not struck.", value=found.past_due
    )
    yield _family(
        "exchange_outbox_messages",
        "Messages that wait or were given up (parked).",
        ("state", "channel"),
        found.messages,
    )
    yield _family(
        "exchange_outbox_oldest_waiting_seconds",
        "Age of the oldest message that waits, whether it is due or will be tried again.",
        ("channel",),
        {(channel,): age for channel, age in found.oldest_waiting.items()},
    )
    yield GaugeMetricFamily(
        "exchange_outbox_late_seconds", "How late a worker is with the next message.", value=found.late_seconds
    )
    minutes = int(RECENT.total_seconds() // 60)
    told = _family(
        "exchange_told_seconds",
        f"From the intent to tell to the message handed over, of the last {minutes} minutes.",
        ("quantile",),
        {(str(share),): _quantile(found.told_seconds, share) for share in QUANTILES if found.told_seconds},
    )
    yield told
    yield GaugeMetricFamily(
        "exchange_told_recently", f"Messages handed over, of the last {minutes} minutes.", value=len(found.told_seconds)
    )
    yield GaugeMetricFamily(
        "exchange_audit_unsealed_seconds", "Age of the oldest audit row in no block.", value=found.unsealed_seconds
    )
    yield _family(
        "exchange_lease_seconds",
        "How long a lease still holds; 0 when nobody has it.",
        ("name",),
        {(name,): left for name, left in found.lease_seconds.items()},
    )


def _family(name: str, says: str, labels: tuple[str, ...], values: dict[tuple[str, ...], float]) -> Metric:
    family = GaugeMetricFamily(name, says, labels=list(labels))
    for of, value in sorted(values.items()):
        family.add_metric(list(of), value)
    return family


def _quantile(ordered: tuple[float, ...], share: float) -> float:
    """Return the value below which this share of the values lies (nearest rank)."""
    return ordered[ceil(share * len(ordered)) - 1]
