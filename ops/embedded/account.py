"""Whose hands an embedded server runs in, and a folder those hands can reach.

An ordinary user runs the servers as himself. Root must not: PostgreSQL refuses it and a broker does not need it, so
the servers run as `nobody`, or as the owner of data that is already there. `nobody` cannot enter a home below a private
folder such as root's own. The modes of folders that are not ours stay as they are; the data then lives below
`PRIVATE_PLACE` and the home gets a symbolic link to it.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from ops.embedded.errors import EmbeddedServiceUnavailable

PRIVATE_PLACE = Path("/var/lib/bellwether")
ROOTS_SUBSTITUTE = "nobody"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """The user a server runs as; `switch` says that the server's process must change to it first."""

    name: str
    uid: int
    gid: int
    switch: bool

    def can_enter(self, folder: Path) -> bool:
        """Return whether this account may pass through every parent and into the folder itself."""
        if not self.switch:
            return os.access(folder, os.X_OK | os.R_OK)
        return self._succeeds(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)])

    def can_execute(self, program: Path) -> bool:
        """Return whether this account can start the program (tried with `--version`; `-h` where it knows no other)."""
        return self._succeeds([str(program), "--version"]) or self._succeeds([str(program), "-h"])

    def _succeeds(self, argv: list[str]) -> bool:
        try:
            return self.run(argv).returncode == 0
        except OSError:
            return False

    def run(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a short program as this account from `/`, with a minimal environment, and return what it said."""
        if not self.switch:
            return subprocess.run(argv, cwd="/", env=minimal_environment(), capture_output=True, text=True, check=False)
        return subprocess.run(
            argv,
            cwd="/",
            env=minimal_environment(),
            capture_output=True,
            text=True,
            check=False,
            user=self.uid,
            group=self.gid,
            extra_groups=[],
        )


def minimal_environment() -> dict[str, str]:
    """Return an environment in which no PG* variable or locale of the caller changes what a server does."""
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def service_account(folder: Path) -> ServiceAccount:
    """Return the account for a service whose data is, or will be, in `folder`.

    Raises:
        EmbeddedServiceUnavailable: the user has no entry in the system's user database.
    """
    uid = os.geteuid()
    if uid == 0:
        owner_uid = folder.stat().st_uid if folder.exists() else 0
        entry = _entry_of(owner_uid) if owner_uid else _substitute()
        return ServiceAccount(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)
    entry = _entry_of(uid)
    return ServiceAccount(entry.pw_name, uid, os.getegid(), switch=False)


def _entry_of(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedServiceUnavailable(
            f"user id {uid} has no entry in /etc/passwd, and PostgreSQL does not start for such a user",
            "add an entry for this user (a container started with --user needs one too), or give an existing database "
            "with BELLWETHER_DSN",
        ) from None


def _substitute() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(ROOTS_SUBSTITUTE)
    except KeyError:
        raise EmbeddedServiceUnavailable(
            f"root does not run database or broker itself, and this system has no user {ROOTS_SUBSTITUTE!r}",
            "run Bellwether as an ordinary user",
        ) from None


def settle(folder: Path, account: ServiceAccount) -> Path:
    """Make `folder` a private folder of `account` and return the real place of its content.

    The real place is another one only for root with a home that the substitute user cannot enter.

    Raises:
        EmbeddedServiceUnavailable: no place could be made.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.is_symlink() and not folder.exists():
            folder.unlink()  # its place was removed by hand: start anew
        if not folder.exists():
            if account.can_enter(folder.parent):
                folder.mkdir(mode=0o700)
            else:
                folder.symlink_to(_place_elsewhere(folder))
        place = folder.resolve()
        if account.switch:
            os.chown(place, account.uid, account.gid)
    except OSError as error:
        raise EmbeddedServiceUnavailable(
            f"cannot prepare {folder}: {error.strerror or error}",
            "set BELLWETHER_HOME to a folder that you may write to",
        ) from error
    if not account.can_enter(place):
        raise EmbeddedServiceUnavailable(
            f"user {account.name!r} cannot enter {place}",
            "set BELLWETHER_HOME to a folder whose parents every user may pass through (mode o+x), for example /srv",
        )
    return place


def _place_elsewhere(folder: Path) -> Path:
    PRIVATE_PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
    place = PRIVATE_PLACE / f"{folder.name}-{secrets.token_hex(4)}"
    place.mkdir(mode=0o700)
    _log.warning("service_folder_placed_elsewhere", folder=str(folder), place=str(place), because="home_is_private")
    return place


def copy_for(account: ServiceAccount, parts: Mapping[str, Path], destination: Path) -> Path:
    """Copy folders to where `account` can execute what is in them, by their place below `destination`; once only."""
    if destination.exists():
        return destination
    unfinished = destination.with_name(destination.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for place, source in parts.items():
        if source.exists():
            shutil.copytree(source, unfinished / place, symlinks=True)
    if account.switch:
        os.chown(unfinished, account.uid, account.gid)
    unfinished.rename(destination)
    return destination
