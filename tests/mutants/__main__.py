"""`make mutants`: each patch here breaks one promise; the test it names must notice.

A patch begins with the rows it breaks and the test that must turn red: `row: …`, `test: …`. It is applied to a copy of
the sources, never to the tree. A patch that no longer applies is a failure too, so that patches follow the code.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATCHES = sorted(Path(__file__).parent.glob("*.patch"))
DATABASES = ("sqlite", "postgresql")


def main(names: list[str]) -> int:
    chosen = [patch for patch in PATCHES if not names or patch.stem in names]
    survivors = [patch.stem for patch in chosen if not _is_killed(patch)]
    print(f"{len(chosen) - len(survivors)} passed, {len(survivors)} failed")
    return 1 if survivors else 0


def _is_killed(patch: Path) -> bool:
    """Whether the named test passes without the patch and fails with it, on one of the databases at least."""
    test = _head(patch, "test")
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder) / "src"
        shutil.copytree(ROOT / "src", sources)
        sound = [database for database in DATABASES if _passes(test, ROOT / "src", database)]
        applied = subprocess.run(["patch", "-p1", "-s", "-i", patch], cwd=folder, check=False).returncode == 0
        red = [database for database in sound if applied and not _passes(test, sources, database)]
    killed = len(sound) == len(DATABASES) and bool(red)
    print(f"{'killed  ' if killed else 'SURVIVED'} {patch.stem} (row {_head(patch, 'row')}): red on {red or 'none'}")
    return killed


def _passes(test: str, sources: Path, database: str) -> bool:
    """Whether the test ran and passed; a crash of the runner counts as a pass, so it can't be taken for a kill."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    environment = {**os.environ, "PYTHONPATH": str(sources), "MADANG_TEST_DATABASE": database}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode != 1


def _head(patch: Path, name: str) -> str:
    found = re.search(rf"^{name}: (.+)$", patch.read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit(f"{patch.name} names no {name}")
    return found[1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
