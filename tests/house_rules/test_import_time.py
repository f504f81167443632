"""Nothing happens at import: no engine, no app, no network, no reading of the environment or the clock."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.house_rules.source import dotted, is_within, module_name, python_files, tree_of

ENVIRONMENT: Final = "os.environ"
AT_IMPORT_NEVER: Final = (
    "getenv",
    "create_engine",
    "create_app",
    "Flask",
    "open",
    "read_text",
    "read_bytes",
    "mkdir",
    "now",
    "today",
    "utcnow",
    "basicConfig",
)
READS_THE_CLOCK: Final = (
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
)
#  one clock object is made here and passed down; logs and the outgoing session stamp and time what they do themselves
HAS_THE_CLOCK: Final = ("exchange.app", "exchange.cli", "exchange.config", "exchange.logs", "exchange.outbound")
TOLD_THE_TIME: Final = [
    path for path in python_files() if not any(is_within(module_name(path), room) for room in HAS_THE_CLOCK)
]


def run_at_import(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield every node that runs when a module is imported: class bodies and defaults too, function bodies not."""
    for statement in body:
        if isinstance(statement, ast.If) and "__main__" in ast.unparse(statement.test):
            continue
        yield from _now(statement)


def _now(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Lambda):
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        children: list[ast.AST] = [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
    else:
        yield node
        children = list(ast.iter_child_nodes(node))
    for child in children:
        yield from _now(child)


def done_at_import(tree: ast.Module) -> list[str]:
    """Return a line for each thing that a module does on import and may not."""
    found = []
    for node in run_at_import(tree.body):
        match node:
            case ast.Subscript(value=value, lineno=line) if dotted(value) == ENVIRONMENT:
                found.append(f"line {line}: {ENVIRONMENT}[...]")
            case ast.Call(func=function, args=arguments, lineno=line):
                name = dotted(function) or getattr(function, "attr", "")
                reads = name.startswith(ENVIRONMENT + ".") or ENVIRONMENT in map(dotted, arguments)
                if reads or name.rpartition(".")[2] in AT_IMPORT_NEVER:
                    found.append(f"line {line}: {name}")
    return found


def clock_readings(tree: ast.Module) -> list[str]:
    """Return a line for each call that reads the time of the machine."""
    calls = [(node.lineno, dotted(node.func)) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [
        f"line {line}: {name}"
        for line, name in calls
        if any(name == c or name.endswith("." + c) for c in READS_THE_CLOCK)
    ]


@pytest.mark.parametrize("path", python_files(), ids=str)
def test_importing_a_module_does_nothing(path: Path) -> None:
    assert done_at_import(tree_of(path)) == []


@pytest.mark.parametrize("path", TOLD_THE_TIME, ids=str)
def test_a_module_is_told_the_time_and_does_not_look(path: Path) -> None:
    assert clock_readings(tree_of(path)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import os\nURL = os.environ['URL']",
        "import os\nURL = os.environ.get('URL')",
        "import os\nSETTINGS = dict(os.environ)",
        "import os\nURL = os.getenv('URL')",
        "engine = sqlalchemy.create_engine('sqlite://')",
        "app = Flask(__name__)",
        "CODES = json.loads(Path(__file__).with_name('codes.json').read_text())",
        "class Settings:\n    started = datetime.now()",
        "def later(at=datetime.now()):\n    return at",
    ],
)
def test_work_at_import_is_seen(source: str) -> None:
    assert done_at_import(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "def url():\n    return os.environ['URL']",
        "def settings(environment=os.environ):\n    return environment['URL']",
        "if __name__ == '__main__':\n    create_app().run()",
        "PATTERN = re.compile('a')",
        "clock = lambda: datetime.now(UTC)",
    ],
)
def test_work_that_waits_for_a_call_is_allowed(source: str) -> None:
    assert done_at_import(ast.parse(source)) == []


@pytest.mark.parametrize("call", ["datetime.now(UTC)", "datetime.datetime.utcnow()", "date.today()", "time.time()"])
def test_a_look_at_the_clock_is_seen(call: str) -> None:
    assert clock_readings(ast.parse(f"def act():\n    return {call}"))
