"""Where the Mosquitto broker is, and how to get it without root.

Order: the override variable, the system's own, one unpacked earlier. `unpack` downloads the Debian packages with
apt's own signature checks and unpacks them into Bellwether's home; nothing is installed. Of the libraries it takes
those that apt says are missing on this system, and always the four a plain Debian lacks.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ops.embedded.account import minimal_environment
from ops.embedded.errors import EmbeddedServiceUnavailable

#: Set to the path of a `mosquitto` to use exactly that one.
OVERRIDE_VARIABLE = "BELLWETHER_MOSQUITTO"
#: The broker and the libraries it needs beyond what every Debian has.
PACKAGES = ("mosquitto", "libcjson1", "libdlt2", "libwrap0")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OLDEST = (2, 0)
HINT = (
    "install Mosquitto 2.0 or later (`apt-get install mosquitto`), or give its path in BELLWETHER_MOSQUITTO, "
    "or use an existing MQTT 5 broker"
)


@dataclass(frozen=True, slots=True)
class MosquittoProgram:
    """A broker's program and the folders with libraries that only it uses."""

    path: Path
    library_folders: tuple[Path, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        """What the program needs in its environment."""
        if not self.library_folders:
            return {}
        return {"LD_LIBRARY_PATH": ":".join(map(str, self.library_folders))}

    def version(self) -> tuple[int, int] | None:
        """Return major and minor version, or None where the program does not start."""
        try:
            said = subprocess.run(
                [str(self.path), "-h"],
                env={**minimal_environment(), **self.environment},
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError:
            return None
        match = re.search(r"mosquitto version (\d+)\.(\d+)", said.stdout)
        return (int(match[1]), int(match[2])) if match else None


def default_tools() -> Path:
    """Return the folder of unpacked programs in Bellwether's home."""
    return Path(os.environ.get("BELLWETHER_HOME", "var")).absolute() / "tools"


def find_mosquitto(tools: Path) -> MosquittoProgram | None:
    """Return a broker of version 2.0 or later, or None."""
    override = os.environ.get(OVERRIDE_VARIABLE)
    if override:
        candidates = [MosquittoProgram(Path(override))]
    else:
        on_path = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}")
        candidates = [MosquittoProgram(Path(on_path))] if on_path else []
        candidates.append(unpacked_in(tools / "mosquitto"))
    for program in candidates:
        version = program.version()
        if version is not None and version >= OLDEST:
            return program
    return None


def unpacked_in(tree: Path) -> MosquittoProgram:
    """Return the program as it lies in a tree of unpacked packages."""
    folders = [*tree.glob("usr/lib/*-linux-gnu*"), *tree.glob("lib/*-linux-gnu*")]
    return MosquittoProgram(tree / "usr/sbin/mosquitto", tuple(sorted(folders)))


def unpack_mosquitto(tools: Path) -> MosquittoProgram:
    """Download Debian's packages and unpack them into `<tools>/mosquitto`; needs no rights.

    Raises:
        EmbeddedServiceUnavailable: not a Debian, no package source within reach, or the result does not start.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise EmbeddedServiceUnavailable("Mosquitto is not installed, and this system is not a Debian", HINT)
    tree, work = tools / "mosquitto", tools / "mosquitto.unfinished"
    shutil.rmtree(work, ignore_errors=True)
    downloads = work / "downloads"
    downloads.mkdir(parents=True)
    try:
        archives = _download(downloads, work / "apt")
        for archive in archives:
            subprocess.run(["dpkg", "-x", str(archive), str(work / "tree")], check=True, capture_output=True)
        program = unpacked_in(work / "tree")
        if program.version() is None:
            raise EmbeddedServiceUnavailable("Mosquitto was unpacked from its packages but does not start here", HINT)
        shutil.rmtree(tree, ignore_errors=True)
        (work / "tree").rename(tree)
    except subprocess.CalledProcessError as error:
        raise EmbeddedServiceUnavailable(
            f"Mosquitto could not be unpacked: {_last_words(error.stderr)}", HINT
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return unpacked_in(tree)


def _download(downloads: Path, apt_folder: Path) -> list[Path]:
    """Download with the system's package lists; where those are absent or outdated, with lists of our own."""
    said = _apt(["download", *_needed([])], downloads)
    if said.returncode != 0:
        own_lists = _own_lists(apt_folder)
        _apt([*own_lists, "update"], downloads)
        said = _apt([*own_lists, "download", *_needed(own_lists)], downloads)
    if said.returncode != 0:
        raise EmbeddedServiceUnavailable(
            f"Mosquitto is not installed and its packages cannot be downloaded: {_last_words(said.stderr)}", HINT
        )
    return sorted(downloads.glob("*.deb"))


def _needed(options: list[str]) -> list[str]:
    simulated = _apt([*options, "install", "--simulate", "--no-install-recommends", *PACKAGES], Path("/"))
    missing = re.findall(r"^Inst (\S+)", simulated.stdout, flags=re.MULTILINE)
    libraries = [name for name in missing if name.startswith("lib")]
    return list(dict.fromkeys([*PACKAGES, *libraries]))


def _own_lists(apt_folder: Path) -> list[str]:
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (apt_folder / folder).mkdir(parents=True, exist_ok=True)
    return [
        *("-o", f"Dir::State={apt_folder / 'state'}"),
        *("-o", f"Dir::Cache={apt_folder / 'cache'}"),
        *("-o", "Dir::State::status=/var/lib/dpkg/status"),
        *("-o", "APT::Sandbox::User="),  # apt must not change to its own user below a private home
    ]


def _apt(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["apt-get", "-q", "-o", "APT::Sandbox::User=", *arguments],
        cwd=folder,
        env={**os.environ, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _last_words(text: str | bytes | None) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text or ""
    lines = [line.removeprefix("E: ") for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
