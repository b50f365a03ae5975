"""Real SNMP agents for the demo and the tests: the machine's own snmpd, and snmpsim serving recorded devices.

`LocalSnmpd` is Debian's snmpd under a configuration of its own on a loopback port. `RecordedDevices` serves recordings
of real switches and routers from the package `snmpsim-data` (BSD-2), cut down to the tables we read, with their clocks
running and, where asked, traffic on their ports. Both are ordinary child processes: `start`, `stop`, nothing left
behind. snmpsim is about ten times slower than snmpd: right for a few devices, wrong as a load.
"""

from __future__ import annotations

import bz2
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_agent.collectors.targets import AuthProtocol, CommunityV2c, PrivProtocol, UserV3
from ops.embedded.process import free_port

START_SECONDS = 180.0  # snmpsim loads for seconds, on a busy machine for a minute
STOP_SECONDS = 5.0

KEPT_SUBTREES = (
    "1.0.8802.1.1.2.1.",  # LLDP
    "1.3.6.1.2.1.1.",  # system
    "1.3.6.1.2.1.2.",  # interfaces
    "1.3.6.1.2.1.25.1.",  # host resources: uptime
    "1.3.6.1.2.1.25.2.",  # storage
    "1.3.6.1.2.1.25.3.3.",  # processors
    "1.3.6.1.2.1.31.1.1.",  # ifXTable
    "1.3.6.1.4.1.2011.5.25.31.1.1.1.",  # Huawei entity state
    "1.3.6.1.4.1.25506.2.6.1.1.",  # H3C entity state
    "1.3.6.1.4.1.9.9.13.1.",  # Cisco environment
    "1.3.6.1.4.1.9.9.23.1.",  # CDP
    "1.3.6.1.4.1.9.9.48.1.",  # Cisco memory pools
    "1.3.6.1.4.1.9.9.109.1.",  # Cisco processes
    "1.3.6.1.4.1.3902.15.2.30.1.",  # ZTE system
    "1.3.6.1.4.1.4881.1.1.10.2.",  # Ruijie private
)
"""What of a recording is served; whole recordings have up to 650,000 rows and take minutes to index."""

_IF_IN_OCTETS, _IF_OUT_OCTETS = "1.3.6.1.2.1.2.2.1.10", "1.3.6.1.2.1.2.2.1.16"
_IF_OPER_STATUS, _IF_ADMIN_STATUS = "1.3.6.1.2.1.2.2.1.8", "1.3.6.1.2.1.2.2.1.7"
_IF_HC_IN_OCTETS, _IF_HC_OUT_OCTETS = "1.3.6.1.2.1.31.1.1.1.6", "1.3.6.1.2.1.31.1.1.1.10"
_IF_HIGH_SPEED = "1.3.6.1.2.1.31.1.1.1.15"
_SYS_UP_TIME = "1.3.6.1.2.1.1.3.0"
_RECORDED_UPTIME_CS = 8_640_000


class SnmpAgentFailed(RuntimeError):
    """An SNMP agent program is missing, or does not start."""


@dataclass(frozen=True, slots=True)
class PortTraffic:
    """Steady traffic to put on a recorded port, which is then up at the speed given."""

    if_index: int
    in_bps: int
    out_bps: int
    speed_bps: int = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded device: the community that selects it, its file in `snmpsim-data`, and the traffic to show."""

    community: str
    file: str
    traffic: tuple[PortTraffic, ...] = ()


HUAWEI_S5720 = "network/router/huawei-s5720"
RUIJIE_S5750 = "network/switch/ruijie-s5750-24gt12sfp"
H3C_E528 = "network/switch/h3c-e528-1"
H3C_COMWARE_7 = "network/switch/h3c-comware-7-1-075"
ZTE_5250 = "network/switch/zte-zxr10-5250"
CISCO_C3560 = "network/switch/cisco-c3560"
PROCURVE_516733 = "network/switch/hpe-procurve-516733-b21"


class _Program:
    """A child process that answers SNMP on a loopback port."""

    def __init__(self, home: Path, udp_port: int | None) -> None:
        self.home = home
        self.address = "127.0.0.1"
        self.udp_port = udp_port or free_port(socket.SOCK_DGRAM)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process else None

    def _launch(self, command: Sequence[str], community: str, environment: dict[str, str] | None = None) -> None:
        log_path = self.home / "log"
        with log_path.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
                cwd=self.home,
            )
        give_up = time.monotonic() + START_SECONDS
        while not _answers(self.address, self.udp_port, community):
            if self._process.poll() is not None or time.monotonic() > give_up:
                self.stop()
                tail = log_path.read_text(errors="replace")[-1500:]
                raise SnmpAgentFailed(f"{Path(command[0]).name} does not answer on UDP {self.udp_port}:\n{tail}")

    def stop(self) -> None:
        """End the process and wait for it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


class LocalSnmpd(_Program):
    """Debian's snmpd with its own configuration, persistence and port; reports this machine's interfaces.

    `extra` lines go into its configuration as they are (`pass`, `override`, `maxGetbulkRepeats` …).
    """

    def __init__(
        self,
        home: Path,
        udp_port: int | None = None,
        *,
        community: str = "bellwether",
        users: Sequence[UserV3] = (),
        extra: Sequence[str] = (),
    ) -> None:
        super().__init__(home, udp_port)
        self.community = CommunityV2c(community)
        self.users = tuple(users)
        self._extra = tuple(extra)

    def start(self) -> None:
        """Write the configuration and start; returns when it answers."""
        program = shutil.which("snmpd") or shutil.which("snmpd", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            raise SnmpAgentFailed("snmpd is not installed (Debian package snmpd)")
        persistent = self.home / "persistent"
        persistent.mkdir(parents=True, exist_ok=True)
        configuration = self.home / "snmpd.conf"
        lines = [
            f"agentaddress udp:{self.address}:{self.udp_port},udp6:[::1]:{self.udp_port}",
            f"rocommunity {self.community.community} default",
            f"rocommunity6 {self.community.community} default",
            "sysName bellwether-local",
            *(line for user in self.users for line in _user_lines(user)),
            *self._extra,
        ]
        configuration.write_text("\n".join(lines) + "\n")
        configuration.chmod(0o600)
        self._launch(
            [program, "-f", "-Lo", "-I", "-smux"],
            self.community.community,
            # Not `-C -c`: that would also skip the persistent file, where engine id and engineBoots live on.
            {"SNMPCONFPATH": f"{self.home}:{persistent}", "SNMP_PERSISTENT_DIR": str(persistent), "MIBS": ""},
        )


class RecordedDevices(_Program):
    """One snmpsim process serving several recordings, told apart by community (v2c) or context name (v3)."""

    def __init__(self, home: Path, recordings: Sequence[Recording], udp_port: int | None = None) -> None:
        super().__init__(home, udp_port)
        self._recordings = tuple(recordings)

    def start(self) -> None:
        """Unpack the recordings and start; returns when the first of them answers."""
        data = self.home / "data"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        for recording in self._recordings:
            target = data / f"{recording.community}.snmprec"
            target.write_bytes(b"".join(_rows(recording)))
        as_root = ["--process-user=root", "--process-group=root"] if os.geteuid() == 0 else []
        self._launch(
            [
                sys.executable,
                "-c",
                "from snmpsim.commands.responder import main; raise SystemExit(main())",
                "--quiet",
                "--logging-method=stderr",
                "--log-level=error",
                f"--data-dir={data}",
                f"--cache-dir={self.home / 'cache'}",
                f"--agent-udpv4-endpoint={self.address}:{self.udp_port}",
                *as_root,
            ],
            self._recordings[0].community,
        )


def recording_path(file: str) -> Path:
    """Return where the package `snmpsim-data` keeps a recording."""
    package = importlib.util.find_spec("snmpsim_data")
    if package is None or package.origin is None:
        raise SnmpAgentFailed("the Python package snmpsim-data is not installed")
    return Path(package.origin).parent / "data" / f"{file}.snmprec.bz2"


def _rows(recording: Recording) -> Iterator[bytes]:
    """Yield a recording's rows in OID order, its clock running and its traffic flowing."""
    kept = tuple(subtree.encode() for subtree in KEPT_SUBTREES)
    replaced = {oid.encode(): row.encode() for oid, row in _replacements(recording.traffic).items()}
    seen: set[bytes] = set()
    rows: list[tuple[tuple[int, ...], bytes]] = []
    with bz2.open(recording_path(recording.file), "rb") as packed:
        for line in packed:
            oid, _, rest = line.rstrip(b"\r\n").partition(b"|")
            if not oid.startswith(kept) or oid in seen or not rest:
                continue
            seen.add(oid)
            rows.append((_sort_key(oid), oid + b"|" + replaced.pop(oid, rest) + b"\n"))
    rows += [(_sort_key(oid), oid + b"|" + row + b"\n") for oid, row in replaced.items()]
    for _, row in sorted(rows):
        yield row


def _sort_key(oid: bytes) -> tuple[int, ...]:
    return tuple(int(part) for part in oid.split(b"."))


def _replacements(traffic: Sequence[PortTraffic]) -> dict[str, str]:
    rows = {_SYS_UP_TIME: f"67:numeric|initial={_RECORDED_UPTIME_CS},rate=100"}
    for port in traffic:
        index = port.if_index
        rows[f"{_IF_HC_IN_OCTETS}.{index}"] = _flowing(70, port.in_bps)
        rows[f"{_IF_HC_OUT_OCTETS}.{index}"] = _flowing(70, port.out_bps)
        rows[f"{_IF_IN_OCTETS}.{index}"] = _flowing(65, port.in_bps)
        rows[f"{_IF_OUT_OCTETS}.{index}"] = _flowing(65, port.out_bps)
        rows[f"{_IF_HIGH_SPEED}.{index}"] = f"66|{port.speed_bps // 1_000_000}"
        rows[f"{_IF_ADMIN_STATUS}.{index}"] = "2|1"
        rows[f"{_IF_OPER_STATUS}.{index}"] = "2|1"
    return rows


def _flowing(tag: int, bps: int) -> str:
    """Return a counter that rises steadily with time since snmpsim's start, whoever asks and however often."""
    return f"{tag}:numeric|initial=1000000000,rate={bps / 8:.3f},wrap=1"


def _user_lines(user: UserV3) -> list[str]:
    create = ["createUser", user.user]
    level = "noauth"
    if user.auth_protocol is not None:
        create += [_SNMPD_AUTH[user.auth_protocol], f'"{user.auth_key}"']
        level = "auth"
    if user.priv_protocol is not None:
        create += [_SNMPD_PRIV[user.priv_protocol], f'"{user.priv_key}"']
        level = "priv"
    return [" ".join(create), f"rouser {user.user} {level}"]


_SNMPD_AUTH = {
    AuthProtocol.SHA1: "SHA",
    AuthProtocol.SHA224: "SHA-224",
    AuthProtocol.SHA256: "SHA-256",
    AuthProtocol.SHA384: "SHA-384",
    AuthProtocol.SHA512: "SHA-512",
}
_SNMPD_PRIV = {
    PrivProtocol.AES128: "AES",
    PrivProtocol.AES256: "AES-256-C",
    PrivProtocol.AES256_BLUMENTHAL: "AES-256",
}


def _answers(address: str, udp_port: int, community: str) -> bool:
    """Ask for sysUpTime.0 over SNMPv2c and wait a moment for any answer."""
    name = community.encode()
    varbinds = bytes.fromhex("300e300c06082b060102010103000500")
    pdu = bytes.fromhex("0201010201000201 00".replace(" ", "")) + varbinds
    body = bytes.fromhex("020101") + bytes([4, len(name)]) + name + bytes([0xA0, len(pdu)]) + pdu
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.25)
        asking.connect((address, udp_port))
        try:
            asking.send(bytes([0x30, len(body)]) + body)
            return bool(asking.recv(1500))
        except ConnectionRefusedError:
            time.sleep(0.05)  # nothing listens yet; the refusal comes at once
            return False
        except TimeoutError:
            return False
