"""A private MQTT 5 broker on loopback. It keeps nothing: only the spools and the database store.

Who may do what is the same as in production (`docker/mosquitto/acl`): an agent writes below its own `bw/1/{agent}/up/`
and its own status, and reads its own `down/`; the cloud's user reads all of the first two and writes all of the third.
In production a client certificate proves the user name. Here the broker listens on loopback only; by default a user
name is believed as claimed, so the rules keep honest programs apart but not a hostile local one. With `passwords` every
user must prove his name.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import resource
import secrets
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from ops.embedded.account import ServiceAccount, copy_for, service_account, settle
from ops.embedded.errors import EmbeddedServiceUnavailable
from ops.embedded.lock import StarterLock
from ops.embedded.mosquitto_program import (
    HINT,
    MosquittoProgram,
    default_tools,
    find_mosquitto,
    unpack_mosquitto,
    unpacked_in,
)
from ops.embedded.process import ServerProcess, free_port, last_lines, port_is_free, wait_until

CLOUD_USER = "bellwether-cloud"
START_SECONDS = 60.0
STOP_SECONDS = 10.0
MAX_LOG_BYTES = 10_000_000
ATTEMPTS = 3
WANTED_OPEN_FILES = 65_536

#: `max_packet_size` is twice the largest segment. The queue only has to bridge one ingest batch: whatever does not fit
#: is dropped by the broker, stays in its agent's spool for want of a receipt, and is sent again.
CONFIG = """\
listener {port} 127.0.0.1
allow_anonymous {anonymous}
{password_line}
acl_file {folder}/acl
persistence false
max_packet_size 262144
set_tcp_nodelay true
max_inflight_messages 5000
max_queued_messages 20000
max_queued_bytes 268435456
max_keepalive 600
connection_messages false
log_dest stderr
log_type error
log_type warning
log_type notice
log_timestamp_format %Y-%m-%dT%H:%M:%S
"""

ACL = f"""\
pattern write bw/1/%u/up/#
pattern readwrite bw/1/%u/status
pattern read bw/1/%u/down/#

user {CLOUD_USER}
topic read bw/1/+/up/#
topic readwrite bw/1/+/status
topic readwrite bw/1/+/down/#
topic read $SYS/#
"""

_log = structlog.get_logger(__name__)


class EmbeddedMosquitto:
    """Mosquitto in `<home>/broker`.

    `port=None` takes a free port once and keeps it over restarts. `passwords` maps user names to passwords.
    """

    def __init__(
        self,
        home: Path,
        port: int | None = None,
        *,
        passwords: Mapping[str, str] | None = None,
        tools: Path | None = None,
    ) -> None:
        self._wanted_folder = home.absolute() / "broker"
        self._folder = self._wanted_folder
        self._passwords = dict(passwords or {})
        self._tools = tools
        self._process: ServerProcess | None = None
        self._lock = StarterLock("broker")
        self.host = "127.0.0.1"
        self.port = port or 0

    def start(self) -> None:
        """Start the broker and return when it accepts connections.

        Raises:
            EmbeddedServiceUnavailable: there is no Mosquitto and none can be had, or it refuses to start.
        """
        if self._process is not None and self._process.running:
            return
        program = obtain_mosquitto(self._tools or default_tools())
        account = service_account(self._wanted_folder)
        self._folder = settle(self._wanted_folder, account)
        self._lock.acquire(self._folder)
        try:
            self._end_orphan()
            self._process = self._start_new(self._executable_by(account, program), account)
        except BaseException:
            self._lock.release()
            raise

    def stop(self) -> None:
        """Stop the broker and return when it is gone. Wills of connected clients are not sent."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the broker as a crash would (SIGKILL). It had nothing on disk to lose."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def pid(self) -> int | None:
        """The broker's process id while it runs."""
        return self._process.pid if self._process is not None and self._process.running else None

    @property
    def log_path(self) -> Path:
        """Where the broker writes what it has to say."""
        return self._folder / "mosquitto.log"

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            _end_process(process, number)
        self._lock.release()

    def _end_orphan(self) -> None:
        """End a broker whose starter died; it holds nothing, and its configuration may be an older one."""
        with contextlib.suppress(OSError, ValueError):
            pid = int((self._folder / "pid").read_text(encoding="ascii"))
            orphan = ServerProcess.find(pid, str(self._folder / "mosquitto.conf"))
            if orphan is not None:
                _end_process(orphan, signal.SIGTERM)
                _log.info("broker_orphan_ended", pid=pid)

    def _executable_by(self, account: ServiceAccount, program: MosquittoProgram) -> MosquittoProgram:
        if not account.switch or not program.library_folders:
            return program
        tree = program.path.parents[2]
        if account.can_enter(tree):
            return program
        return unpacked_in(copy_for(account, {"usr": tree / "usr", "lib": tree / "lib"}, self._folder / "unpacked"))

    def _start_new(self, program: MosquittoProgram, account: ServiceAccount) -> ServerProcess:
        chosen = self.port
        if chosen and not port_is_free(chosen):
            raise EmbeddedServiceUnavailable(
                f"the broker's port {chosen} is taken by another program", "free that port or choose another one"
            )
        for _attempt in range(ATTEMPTS):  # a free port can be taken by another program before the broker has it
            self.port = chosen or self._choose_port()
            self._write_files(account)
            process = ServerProcess.spawn(
                [str(program.path), "-c", str(self._folder / "mosquitto.conf")],
                account,
                self._folder,
                self.log_path,
                program.environment,
            )
            _raise_open_files(process.pid)
            (self._folder / "pid").write_text(str(process.pid), encoding="ascii")
            if self._wait_ready(process):
                (self._folder / "port").write_text(str(self.port), encoding="ascii")
                return process
            _end_process(process, signal.SIGKILL)
        self.port = chosen
        raise EmbeddedServiceUnavailable(
            f"the broker did not start; its log {self.log_path} ends with:\n{last_lines(self.log_path)}",
            "mend what the log names, or use an existing MQTT 5 broker",
        )

    def _choose_port(self) -> int:
        with contextlib.suppress(OSError, ValueError):
            kept = int((self._folder / "port").read_text(encoding="ascii"))
            if port_is_free(kept):
                return kept
        return free_port()

    def _write_files(self, account: ServiceAccount) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self.log_path.stat().st_size > MAX_LOG_BYTES:
                self.log_path.replace(self.log_path.with_suffix(".log.1"))
        config = CONFIG.format(
            port=self.port,
            folder=self._folder,
            anonymous="false" if self._passwords else "true",
            password_line=f"password_file {self._folder}/passwords" if self._passwords else "",
        )
        texts = {"mosquitto.conf": config, "acl": ACL}
        if self._passwords:
            lines = (f"{user}:{password_hash(password)}\n" for user, password in self._passwords.items())
            texts["passwords"] = "".join(lines)
        for name, text in texts.items():
            path = self._folder / name
            path.unlink(missing_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                if account.switch:
                    os.fchown(file.fileno(), account.uid, account.gid)

    def _wait_ready(self, process: ServerProcess) -> bool:
        def decided() -> bool:
            return not process.running or self._accepts()

        return wait_until(decided, START_SECONDS) and process.running

    def _accepts(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=1):
                return True
        except OSError:
            return False


def obtain_mosquitto(tools: Path) -> MosquittoProgram:
    """Return a broker's program; unpack one into `tools` where the system has none.

    Raises:
        EmbeddedServiceUnavailable: there is none and none can be had.
    """
    found = find_mosquitto(tools)
    if found is not None:
        return found
    with contextlib.suppress(OSError):
        tools.mkdir(parents=True, exist_ok=True)
    if not os.access(tools, os.W_OK):
        raise EmbeddedServiceUnavailable(f"Mosquitto is not installed, and {tools} cannot be written to", HINT)
    _log.info("mosquitto_unpacking", into=str(tools))
    return unpack_mosquitto(tools)


def password_hash(password: str) -> str:
    """Return a password in Mosquitto's own form: type 7 (PBKDF2-SHA512), iterations, salt, hash."""
    salt, iterations = secrets.token_bytes(12), 101
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"$7${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}"


def _raise_open_files(pid: int) -> None:
    """Let the broker hold a whole district's connections; 1024, the usual soft limit, is nearly one per agent."""
    with contextlib.suppress(OSError, ValueError):
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        wanted = WANTED_OPEN_FILES if hard == resource.RLIM_INFINITY else min(WANTED_OPEN_FILES, hard)
        if soft < wanted:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (wanted, hard))


def _end_process(process: ServerProcess, number: signal.Signals) -> None:
    process.send(number)
    if not process.wait_gone(STOP_SECONDS):
        process.send(signal.SIGKILL)
        process.wait_gone(STOP_SECONDS)
