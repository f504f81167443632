"""The source of the house as the rules read it: files, module names and what each module imports. Plain `ast`."""

import ast
import functools
import subprocess
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("exchange", "fhir_mapping", "directory")
NOT_SOURCE = {".git", ".venv", "var", "__pycache__", "node_modules", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


class Imported(NamedTuple):
    """One import: the module that is named, and the line that names it."""

    module: str
    line: int


@functools.cache
def project_files() -> tuple[Path, ...]:
    """Return every file of the project, relative to its root: what git knows or would add; all of it without git."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode == 0:
        names = [Path(name) for name in listed.stdout.split("\0") if name]
    else:
        names = [path.relative_to(ROOT) for path in ROOT.rglob("*") if not NOT_SOURCE & set(path.parts)]
    return tuple(sorted(name for name in names if (ROOT / name).is_file()))


def python_files(*folders: str) -> list[Path]:
    """Return the Python files below the named top folders, relative to the root; of the three packages if none."""
    return [path for path in project_files() if path.suffix == ".py" and path.parts[0] in (folders or PACKAGES)]


def module_name(path: Path) -> str:
    """Return the dotted name of a file: `exchange/web/guard.py` → `exchange.web.guard`."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_within(module: str, room: str) -> bool:
    """Return whether a dotted name is a room or lies in it."""
    return module == room or module.startswith(room + ".")


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a project file."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))


def imports_in(tree: ast.Module, path: Path) -> list[Imported]:
    """Return what a module imports, wherever in the file; `from a import b` is `a.b` unless our `a` defines `b`."""
    found: list[Imported] = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found += [Imported(name.name, node.lineno) for name in names]
            case ast.ImportFrom(names=names):
                base = _absolute(node, path)
                found += [Imported(_owner(base, name.name), node.lineno) for name in names]
            case ast.Call(args=[ast.Constant(value=str(named)), *_]) if _called(node) in (
                "import_module",
                "__import__",
            ):
                found.append(Imported(named, node.lineno))
    return found


def _absolute(node: ast.ImportFrom, path: Path) -> str:
    if not node.level:
        return node.module or ""
    package = path.parent.parts[: len(path.parent.parts) - node.level + 1]
    return ".".join([*package, *([node.module] if node.module else [])])


def _owner(base: str, name: str) -> str:
    as_path = ROOT.joinpath(*base.split("."), name)
    is_module = as_path.with_suffix(".py").exists() or (as_path.is_dir() and not name.startswith("."))
    is_ours = base.split(".")[0] in PACKAGES
    return f"{base}.{name}" if is_module or not is_ours else base


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for a chain of names, and an empty text for anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            before = dotted(value)
            return f"{before}.{attr}" if before else ""
    return ""
