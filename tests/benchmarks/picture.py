"""The picture: a table with a bar per measure, as long as its share of the floor, and a mark where the target is."""

from tests.benchmarks.figures import CLIENT_IS_BUSY, Figure, share, spread
from tests.benchmarks.measures import COMMIT
from tests.benchmarks.telling import Told

WIDTH = 30
FULL, EMPTY, MARK = "█", "·", "┃"
PARTS = "▏▎▍▌▋▊▉"
TITLE_WIDTH = 43
HEADING = f"{'':{TITLE_WIDTH}} {'req/s':>8} {'p50 ms':>8} {'p99 ms':>8}  share of its floor"


def bar(part: float, target: float | None = None) -> str:
    """Return a bar of `WIDTH` characters for a share of 0 to 1 (more is cut), with a mark at the target."""
    eighths = round(min(max(part, 0.0), 1.0) * WIDTH * 8)
    drawn = FULL * (eighths // 8) + (PARTS[eighths % 8 - 1] if eighths % 8 else "")
    cells = list(drawn.ljust(WIDTH, EMPTY))
    if target is not None:
        cells[min(round(target * WIDTH), WIDTH - 1)] = MARK
    return "".join(cells)


def lines(figures: list[Figure], mails: Told | None = None) -> list[str]:
    """Return the table, floors first, each measure beneath the floor it is a share of."""
    floors = {figure.measure.name: figure for figure in figures if not figure.measure.floor}
    found = [HEADING]
    for floor in floors.values():
        found += ["", _row(floor, f"floor: {floor.measure.title}", bar(1.0))]
        found += [
            _row(figure, _title(figure), _share(figure, floor))
            for figure in figures
            if figure.measure.floor == floor.measure.name
        ]
    return [*found, "", *_telling(figures, mails), *_notes(figures)]


def _telling(figures: list[Figure], mails: Told | None) -> list[str]:
    """Return how soon was told, beside what a bare commit takes on the same machine."""
    if mails is None:
        return []
    bare = next((figure.percentile_ms(50) for figure in figures if figure.measure.name == COMMIT), 0.0)
    p50, p99 = mails.milliseconds(50), mails.milliseconds(99)
    beside = f", {p50 / bare:.0f} times a bare commit ({bare:.2f} ms)" if bare else ""
    return [
        f"told: from the send to the mail p50 {p50:.0f} ms{beside}, p99 {p99:.0f} ms, {len(mails.latencies)} mails",
        "",
    ]


def _title(figure: Figure) -> str:
    return f"{figure.measure.title} [{figure.audit}]" if figure.measure.reads else figure.measure.title


def _row(figure: Figure, title: str, drawn: str) -> str:
    times = f"{figure.percentile_ms(50):8.2f} {figure.percentile_ms(99):8.2f}"
    return f"{title:{TITLE_WIDTH}} {figure.per_second:8.0f} {times}  {drawn}"


def _share(figure: Figure, floor: Figure) -> str:
    target, (low, high) = figure.measure.target(figure.audit), spread(figure, floor)
    drawn = bar(share(figure, floor), None if target is None else target / 100)
    wanted = f", target {target} %" if target is not None else ""
    return f"{drawn} {share(figure, floor):6.1%} (rounds {low:.1%} to {high:.1%}{wanted})"


def _notes(figures: list[Figure]) -> list[str]:
    notes = ["[wait]: the answer waits for its audit row; [spool]: it goes first. Quote shares, never bare figures."]
    busy = sorted({figure.measure.name for figure in figures if figure.busy > CLIENT_IS_BUSY})
    if busy:
        notes.append(f"The load client was busy all the time for: {', '.join(busy)}; these may be higher in truth.")
    return notes
