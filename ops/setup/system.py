"""Parts of the operating system that Bellwether uses, and installing them where that is allowed.

Allowed means root or sudo without a password; nothing is ever asked for. Services that a Debian package starts by
itself (mosquitto, snmpd) are switched off again, because Bellwether runs its own on free ports.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.embedded.mosquitto import obtain_mosquitto
from ops.embedded.mosquitto_program import SYSTEM_PATH, default_tools, find_mosquitto

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Part:
    """Something the system may have: how to see it, Debian's package, and what is lost without it."""

    name: str
    package: str
    present: Callable[[], bool]
    lost: str


def has_program(name: str) -> bool:
    """Return whether a program is on PATH or where Debian keeps servers."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}") is not None


def has_chinese_font() -> bool:
    """Return whether a browser could draw Chinese."""
    if has_program("fc-list"):
        said = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False)
        return bool(said.stdout.strip())
    return any(Path("/usr/share/fonts").rglob("*CJK*"))


MOSQUITTO = Part(
    "MQTT broker",
    "mosquitto",
    lambda: find_mosquitto(default_tools()) is not None,
    "it is unpacked from its Debian packages instead",
)
FPING = Part("fping", "fping", lambda: has_program("fping"), "ICMP probes need root or an open ping_group_range")
SNMPD = Part("SNMP agent", "snmpd", lambda: has_program("snmpd"), "tests against a real SNMP agent are skipped")
SNMP_TOOLS = Part("SNMP tools", "snmp", lambda: has_program("snmpget"), "tests that compare with them are skipped")
CHROMIUM = Part("browser", "chromium", lambda: has_program("chromium"), "browser tests are skipped")
FONT = Part("Chinese font", "fonts-noto-cjk", has_chinese_font, "screenshots show no Chinese characters")

DEMO_PARTS = (MOSQUITTO, FPING)
TEST_PARTS = (MOSQUITTO, FPING, SNMPD, SNMP_TOOLS, CHROMIUM, FONT)
INSTALL = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", "--no-install-recommends")
#: Packages whose service starts by itself once installed.
STARTED_BY_DEBIAN = frozenset({"mosquitto", "snmpd"})


def prepare(parts: Sequence[Part], say: Say) -> list[Part]:
    """Install what is missing where that is allowed and return what is still missing; everything is said.

    Raises:
        EmbeddedServiceUnavailable: there is no broker and none can be had.
    """
    missing = [part for part in parts if not part.present()]
    if not missing:
        return []
    rights = installing_rights()
    if rights is not None:
        _install([part.package for part in missing], rights, say)
        missing = [part for part in missing if not part.present()]
    if MOSQUITTO in missing:
        say(f"· {MOSQUITTO.name}: unpacking Debian's packages into {default_tools()}")
        obtain_mosquitto(default_tools())
        missing.remove(MOSQUITTO)
    for part in missing:
        say(f"· without {part.name} ({part.package}): {part.lost}")
    return missing


def installing_rights() -> list[str] | None:
    """Return the words before `apt-get` that give the right to install, or None where there is no such right."""
    if not has_program("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    if has_program("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
        return ["sudo", "-n"]
    return None


def _install(packages: Sequence[str], rights: list[str], say: Say) -> None:
    say(f"· system packages: {' '.join(packages)}")
    if not _apt_install(packages, rights):
        subprocess.run([*rights, "apt-get", "update", "-qq"], capture_output=True, check=False)
        if not _apt_install(packages, rights):
            for package in packages:  # one that this system does not know must not keep the others away
                _apt_install([package], rights)
    if Path("/run/systemd/system").exists():
        for package in STARTED_BY_DEBIAN.intersection(packages):
            subprocess.run([*rights, "systemctl", "disable", "--now", package], capture_output=True, check=False)


def _apt_install(packages: Sequence[str], rights: list[str]) -> bool:
    said = subprocess.run(
        [*rights, *INSTALL, *packages],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return said.returncode == 0
