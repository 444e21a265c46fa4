"""The rules of the house that a linter doesn't know."""

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "madang"
LONGEST_FILE = 300
UNWELCOME = {"utils.py", "common.py", "helpers.py", "base_service.py", "misc.py"}
CHILD_STARTER = SOURCE / "backends" / "captioner" / "local.py"  # hands a child what it needs to start, and no setting
MAY_COMMIT = {SOURCE / "db" / "session.py", SOURCE / "migrations" / "runner.py"}


def sources() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if "versions" not in path.parts)


def calls(path: Path, name: str) -> list[int]:
    tree = ast.parse(path.read_text())
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
    ]


def test_no_file_is_longer_than_300_lines() -> None:
    everything = sources() + sorted((ROOT / "tests").rglob("*.py")) + sorted((ROOT / "benchmarks").rglob("*.py"))
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in everything}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_FILE} == {}


def test_no_file_is_a_drawer_for_everything() -> None:
    assert [path for path in sources() if path.name in UNWELCOME] == []


def test_only_the_unit_of_work_commits() -> None:
    assert {path: calls(path, "commit") for path in sources() if path not in MAY_COMMIT and calls(path, "commit")} == {}


def test_no_http_exception_is_raised() -> None:
    raised = re.compile(r"raise \w*HTTPException")
    assert [path for path in sources() if raised.search(path.read_text())] == []


def test_only_settings_read_the_environment() -> None:
    reading = re.compile(r"os\.environ|os\.getenv")
    assert [path.name for path in sources() if path != CHILD_STARTER and reading.search(path.read_text())] == []


def test_functions_stay_short() -> None:
    lengths = [
        node.end_lineno - node.lineno + 1
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    ]
    assert sorted(lengths)[len(lengths) // 2] <= 10


def test_class_names_are_not_repeated_within_a_file() -> None:
    for path in sources():
        names = Counter(node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef))
        assert max(names.values(), default=1) == 1, path


@pytest.mark.timeout(300)
def test_the_six_import_contracts_hold() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "6 kept, 0 broken" in done.stdout
