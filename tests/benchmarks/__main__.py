"""`python3 run.py bench`: how fast the exchange is, as shares of what the same server does at its barest.

It fills a database in a folder of its own, starts the floor and the exchange as `exchange serve` runs them, drives each
over loopback by a load client in a process of its own, in rounds, and prints a table. Nothing here asserts a time.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from exchange.config import Config
from tests.benchmarks import figures, picture
from tests.benchmarks.databases import Databases, databases
from tests.benchmarks.figures import Figure
from tests.benchmarks.load import Plan, Request, Tally, plan_text, tally_from
from tests.benchmarks.measures import BY_NAME, COMMIT, FLOOR, HOUSE, SPOOL, TOLD, WAIT, Measure, chosen, sends
from tests.benchmarks.profiling import profile
from tests.benchmarks.servers import ROOT, BenchmarkFailed, Server, new_database, serving
from tests.benchmarks.stock import Stock, fill
from tests.benchmarks.telling import Told, told

CLIENT = (sys.executable, "-m", "tests.benchmarks.load")
PATIENCE_SECONDS = 60.0
#  as many as the production database has readers for
MOST_THREADS = Config().threads
MODES = {"wait": (WAIT,), "spool": (SPOOL,), "both": (WAIT, SPOOL)}


@dataclass(frozen=True)
class Step:
    """One figure to take: from which server, with which requests."""

    figure: Figure
    server: Server
    requests: list[Request]


def arguments_of(words: list[str]) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="python3 run.py bench", description=(__doc__ or "").splitlines()[0])
    house = [name for name, measure in BY_NAME.items() if measure.server == HOUSE]
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each measure runs (default 3)")
    parser.add_argument("--rounds", type=int, default=3, help="into how many slices that is cut (default 3)")
    parser.add_argument("--referrals", type=int, default=1000, help="how many lie there before (default 1000)")
    parser.add_argument("--copies", type=int, default=0, help="how many copies of one lie there besides (default 0)")
    parser.add_argument("--stock", type=Path, metavar="FOLDER", help="use the stock of this folder, or make it there")
    parser.add_argument("--postgres", metavar="URL", help="on this PostgreSQL server instead of SQLite files")
    parser.add_argument("--connections", type=int, default=16, help="how many connections are kept busy (default 16)")
    parser.add_argument(
        "--threads",
        type=int,
        choices=range(1, MOST_THREADS + 1),
        default=MOST_THREADS,
        metavar="N",
        help=f"threads of each server (default {MOST_THREADS}, as `exchange serve`)",
    )
    parser.add_argument("--audit", choices=MODES, default="both", help="how reads are audited (default both)")
    parser.add_argument("--only", nargs="+", choices=[*BY_NAME, TOLD], default=[], metavar="NAME",
                        help=f"only these measures and their floors: {', '.join([*BY_NAME, TOLD])}")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--profile", choices=house, metavar="NAME", help="instead: where the time of a request goes")
    asked = parser.parse_args(words)
    if asked.stock is not None and not asked.stock.is_dir():
        parser.error("The folder of --stock is not there: make it first.")
    if asked.seconds <= 0 or asked.rounds < 1 or asked.connections < 1 or asked.referrals < 2 * asked.rounds:
        parser.error("Seconds, rounds and connections must be above 0, and referrals at least twice the rounds.")
    return asked


def main(words: list[str]) -> int:
    """Run what was asked for and return the exit status."""
    asked = arguments_of(words)
    try:
        if asked.profile:
            sys.stdout.write("\n".join(profile(BY_NAME[asked.profile], 200)) + "\n")
            return 0
        taken, mails = run(asked)
    except BenchmarkFailed as failure:
        say(str(failure))
        return 1
    if asked.json:
        said = {key: value for key, value in vars(asked).items() if key not in ("json", "postgres", "stock")}
        said["database"] = "postgresql" if asked.postgres else "sqlite"
        json.dump(figures.as_json(taken, mails, said), sys.stdout, indent=2)
    else:
        sys.stdout.write("\n".join(picture.lines(taken, mails)))
    sys.stdout.write("\n")
    return 0


def run(asked: argparse.Namespace) -> tuple[list[Figure], Told | None]:
    """Fill, serve, drive in rounds; return the figures, and how soon was told. Raises BenchmarkFailed."""
    measures = chosen([COMMIT if name == TOLD else name for name in asked.only])
    with tempfile.TemporaryDirectory(prefix="exchange-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        lie_in = stack.enter_context(databases(folder, asked.postgres, asked.stock))
        stock = filled(folder, lie_in, asked)
        floor_url = lie_in.url("floor")
        servers = {
            (FLOOR, WAIT): stack.enter_context(
                serving(folder, "floor", floor_url, threads=asked.threads, is_floor=True)
            )
        }
        for audit in MODES[asked.audit]:
            lie_in.copy(f"house-{audit}")
            at = lie_in.url(f"house-{audit}")
            servers[HOUSE, audit] = stack.enter_context(
                serving(folder, f"house-{audit}", at, threads=asked.threads, audit=audit)
            )
        steps = list(steps_of(measures, servers, stock))
        for number in range(asked.rounds):
            for step in steps:
                progress(f"round {number + 1} of {asked.rounds}: {step.figure.measure.title} [{step.figure.audit}]")
                step.figure.add(take(step, asked, number, folder))
        mails = None
        if not asked.only or TOLD in asked.only:
            progress("from the send to the mail")
            mails = told(servers[HOUSE, next(iter(MODES[asked.audit]))], folder, sends(stock), asked.seconds)
        progress("")
        return [step.figure for step in steps], mails


def filled(folder: Path, lie_in: Databases, asked: argparse.Namespace) -> Stock:
    """Return the stock of a database that is whole when this returns: a new one, or the one that was kept."""
    kept = asked.stock / "stock.json" if asked.stock else None
    if kept is not None and kept.exists():
        shutil.copyfile(asked.stock / "secret.key", folder / "secret.key")
        return Stock(**json.loads(kept.read_text(encoding="utf-8")))
    _config, database = new_database(folder, lie_in)

    def sending(done: int, of: int) -> None:
        progress(f"sending {done} of {of} referrals")

    stock = fill(database, asked.referrals, sending, copies=asked.copies)
    lie_in.settle(database)
    if kept is not None:
        shutil.copyfile(folder / "secret.key", asked.stock / "secret.key")
        kept.write_text(json.dumps(asdict(stock)), encoding="utf-8")
    return stock


def steps_of(measures: tuple[Measure, ...], servers: dict[tuple[str, str], Server], stock: Stock) -> list[Step]:
    """Return the figures to take: reads in each mode of the audit, all else in the first that is there."""
    audits = [audit for server, audit in servers if server == HOUSE]
    steps = []
    for measure in measures:
        for audit in audits if measure.reads else audits[:1] if measure.server == HOUSE else [WAIT]:
            server = servers[measure.server, audit]
            steps.append(Step(Figure(measure, audit), server, measure.requests(stock)))
    return steps


def take(step: Step, asked: argparse.Namespace, number: int, folder: Path) -> Tally:
    """Run one round of a measure by the load client and return its tally. Raises BenchmarkFailed."""
    requests = step.requests
    if step.figure.measure.once:
        part = len(requests) // asked.rounds
        requests = requests[number * part : (number + 1) * part]
    plan = Plan(
        step.server.port, tuple(requests), step.figure.measure.expects, seconds=asked.seconds / asked.rounds,
        warm=min(0.2, asked.seconds / asked.rounds / 4), once=step.figure.measure.once, connections=asked.connections,
    )  # fmt: skip
    path = folder / "plan.json"
    path.write_text(plan_text(plan), encoding="utf-8")
    client = subprocess.run(
        [*CLIENT, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=asked.seconds + PATIENCE_SECONDS
    )
    if client.returncode:
        last = (client.stderr.strip().splitlines() or ["nothing"])[-1]
        raise BenchmarkFailed(f"The load client gave up on `{step.figure.measure.name}`. It said: {last}")
    tally = tally_from(client.stdout)
    if tally.is_over:
        raise BenchmarkFailed(
            f"`{step.figure.measure.name}` was not answered with {plan.expects}. The answer began: {tally.wrong!r}"
        )
    return tally


def progress(line: str) -> None:
    """Show on a terminal what is going on; say nothing elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{line}")
        sys.stderr.flush()


def say(line: str) -> None:
    """Write one line to standard error."""
    progress("")
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
