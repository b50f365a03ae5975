"""A private PostgreSQL on loopback for the demo, the tests and a small district on one machine.

Layout of the service's folder (`<home>/postgres`, mode 0700, see `account.settle`)::

    data/           the cluster; made as data.unfinished and renamed, so half an initdb is never taken for one
    binaries-18.4/  a copy of the programs, only where the account cannot execute the wheel's
    password        of the only user, 0600; local users of the machine are not trusted
    port            kept over restarts as long as it is free, so that DSNs stay true
    server.log      started anew when larger than 10 MB
    lock            held (flock) by the process that started the server

A server left over by a starter that died is adopted. A second starter of the same home is refused. PostgreSQL's own
recovery brings committed data back after `kill`. In `data/` only a `postmaster.pid` is ever removed, and only if its
pid belongs to another program by now and no process of the dead server is left: it guards the data against two servers.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import signal
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psutil
import psycopg
import structlog
from psycopg import sql

from ops.embedded.account import ServiceAccount, copy_for, service_account, settle
from ops.embedded.errors import EmbeddedServiceUnavailable
from ops.embedded.lock import StarterLock
from ops.embedded.postgres_binaries import PostgresBinaries, find_binaries
from ops.embedded.process import ServerProcess, free_port, last_lines, port_is_free, wait_until

USER = "bellwether"
DATABASE = "bellwether"
START_SECONDS = 120.0  # recovery after a crash on a slow disk; a normal start takes well under one
STOP_SECONDS = 60.0
MAX_LOG_BYTES = 10_000_000
MAX_SOCKET_PATH = 90  # sun_path holds 107 bytes, PostgreSQL appends its own name
ATTEMPTS = 3

_log = structlog.get_logger(__name__)


class EmbeddedPostgres:
    """PostgreSQL in `<home>/postgres`.

    `durable=False` is for tests: nothing is forced to disk, so only a crash of the whole machine loses data.
    """

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self._wanted_folder = home.absolute() / "postgres"
        self._durable = durable
        self._process: ServerProcess | None = None
        self._lock = StarterLock("database")
        self._folder = self._wanted_folder
        self.host = "127.0.0.1"
        self.port = 0

    def start(self) -> None:
        """Make the cluster if there is none, start the server and return when it accepts connections.

        Raises:
            EmbeddedServiceUnavailable: no usable binaries, no usable folder, or the server refuses to start.
        """
        if self._process is not None and self._process.running:
            return
        account = service_account(self._wanted_folder)
        self._folder = settle(self._wanted_folder, account)
        self._lock.acquire(self._folder)
        try:
            self._process = self._find_alive() or self._start_new(account)
            self._make_database()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server (fast shutdown: open transactions are rolled back) and return when it is gone."""
        process, self._process = self._process, None
        if process is not None:
            process.send(signal.SIGINT)
            if not process.wait_gone(STOP_SECONDS):
                _log.warning("postgres_stop_forced", pid=process.pid)
                process.send(signal.SIGKILL)
                process.wait_gone(STOP_SECONDS)
        self._lock.release()

    def kill(self) -> None:
        """Kill the server as a crash would (SIGKILL to the postmaster); the next `start` recovers."""
        process, self._process = self._process, None
        if process is not None:
            backends = _children_of(process.pid)
            process.send(signal.SIGKILL)
            process.wait_gone(STOP_SECONDS)
            psutil.wait_procs(backends, timeout=STOP_SECONDS)  # they notice the postmaster's death by themselves
        self._lock.release()

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
    def dsn(self) -> str:
        """The address of the product's database, as the owner of everything in it."""
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str) -> str:
        """Return the address of another database of this server."""
        password = (self._folder / "password").read_text(encoding="ascii")
        return f"postgresql://{USER}:{password}@{self.host}:{self.port}/{quote(database)}"

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        return self._process.pid if self._process is not None and self._process.running else None

    @property
    def log_path(self) -> Path:
        """Where the server writes what it has to say."""
        return self._folder / "server.log"

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _marker(self) -> str:
        return f"bellwether-{hashlib.sha256(os.fsencode(self._data)).hexdigest()[:12]}"

    # -- adopting ---------------------------------------------------------------------------------------------

    def _pid_file(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return []

    def _find_alive(self) -> ServerProcess | None:
        lines = self._pid_file()
        if len(lines) < 4 or not lines[0].strip().isdigit():
            return None
        pid = int(lines[0])
        process = ServerProcess.find(pid, self._marker)
        if process is None:
            self._clear_remains(pid)
            return None
        self.port = int(lines[3])
        if not self._wait_ready(process):
            return None
        _log.info("postgres_adopted", pid=process.pid, port=self.port)
        return process

    def _clear_remains(self, stale_pid: int) -> None:
        def orphans() -> list[int]:
            candidates = (process for process in psutil.process_iter(["name"]) if process.info["name"] == "postgres")
            return [each.pid for each in candidates if ServerProcess.find(each.pid, self._marker)]

        if not wait_until(lambda: not orphans(), STOP_SECONDS):
            raise EmbeddedServiceUnavailable(
                f"processes of a killed PostgreSQL still work on {self._data}: {orphans()}",
                "wait for them to end, or end them by their ids, then start again",
            )
        if psutil.pid_exists(stale_pid):
            (self._data / "postmaster.pid").unlink(missing_ok=True)
        for socket_file in self._folder.glob(".s.PGSQL.*"):
            socket_file.unlink(missing_ok=True)

    # -- starting ---------------------------------------------------------------------------------------------

    def _start_new(self, account: ServiceAccount) -> ServerProcess:
        binaries = self._choose_binaries(account)
        if not self._data.exists():
            self._make_cluster(binaries, account)
        self._begin_log()
        for _attempt in range(ATTEMPTS):  # a free port can be taken by another program before the server has it
            self.port = self._choose_port()
            process = ServerProcess.spawn(
                [str(binaries.postgres), "-D", str(self._data), *self._settings()],
                account,
                self._folder,
                self.log_path,
            )
            if self._wait_ready(process):
                (self._folder / "port").write_text(str(self.port), encoding="ascii")
                return process
            process.send(signal.SIGQUIT)
            process.wait_gone(STOP_SECONDS)
        raise EmbeddedServiceUnavailable(
            f"PostgreSQL {binaries.version} did not start; its log {self.log_path} ends with:\n"
            f"{last_lines(self.log_path)}",
            "mend what the log names, or give an existing database with BELLWETHER_DSN",
        )

    def _choose_binaries(self, account: ServiceAccount) -> PostgresBinaries:
        installed = find_binaries()
        if self._data.exists():
            needed = int((self._data / "PG_VERSION").read_text(encoding="ascii"))
            installed = [binaries for binaries in installed if binaries.major == needed]
            if not installed:
                raise EmbeddedServiceUnavailable(
                    f"the data in {self._data} was written by PostgreSQL {needed}, which is not installed any more",
                    f"install PostgreSQL {needed}, or move the folder away to begin with an empty database",
                )
        for binaries in installed:
            if account.can_execute(binaries.postgres):
                return binaries
            if binaries.movable:
                place = copy_for(account, binaries.parts, self._folder / f"binaries-{binaries.version}")
                return binaries.copied_to(place)
        raise EmbeddedServiceUnavailable(
            "no PostgreSQL of version 15 or later was found",
            "run `make setup`, which installs one for Bellwether alone, or `apt-get install postgresql`, "
            "or give an existing database with BELLWETHER_DSN",
        )

    def _make_cluster(self, binaries: PostgresBinaries, account: ServiceAccount) -> None:
        password = self._folder / "password"
        descriptor = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(16))
        if account.switch:
            os.chown(password, account.uid, account.gid)
        unfinished = self._folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        said = account.run(
            [
                str(binaries.initdb),
                f"--pgdata={unfinished}",
                f"--username={USER}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--no-locale",
                "--no-instructions",
                *([] if self._durable else ["--no-sync"]),
            ]
        )
        if said.returncode != 0:
            raise EmbeddedServiceUnavailable(
                f"initdb of PostgreSQL {binaries.version} failed: {said.stderr.strip()[-600:]}",
                "mend what initdb names, or give an existing database with BELLWETHER_DSN",
            )
        unfinished.rename(self._data)

    def _choose_port(self) -> int:
        with contextlib.suppress(OSError, ValueError):
            kept = int((self._folder / "port").read_text(encoding="ascii"))
            if port_is_free(kept):
                return kept
        return free_port()

    def _settings(self) -> list[str]:
        sockets = self._folder if len(os.fsencode(self._folder)) <= MAX_SOCKET_PATH else ""
        memory = psutil.virtual_memory().total
        settings = {
            "listen_addresses": self.host,
            "port": self.port,
            "unix_socket_directories": sockets,
            "unix_socket_permissions": "0700",
            "cluster_name": self._marker,  # part of every process title
            "max_connections": 100,
            "shared_buffers": f"{max(32, min(256, memory // 8 // 2**20))}MB",
            "max_wal_size": "2GB",
            "checkpoint_timeout": "15min",
            "wal_compression": "on",
            "wal_level": "minimal",  # nobody replicates from an embedded server
            "max_wal_senders": 0,
            "synchronous_commit": "on",
            "fsync": "on" if self._durable else "off",
            "full_page_writes": "on" if self._durable else "off",
            "max_parallel_workers_per_gather": 0,  # two cores, short queries, and a container's /dev/shm is small
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] ",
        }
        return [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]

    def _begin_log(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self.log_path.stat().st_size > MAX_LOG_BYTES:
                self.log_path.replace(self.log_path.with_suffix(".log.1"))

    def _wait_ready(self, process: ServerProcess) -> bool:
        def decided() -> bool:
            lines = self._pid_file()
            ready = len(lines) >= 8 and lines[0].strip() == str(process.pid) and lines[7].strip() == "ready"
            return ready or not process.running

        return wait_until(decided, START_SECONDS) and process.running

    def _make_database(self) -> None:
        with psycopg.connect(self.dsn_of("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def _children_of(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
