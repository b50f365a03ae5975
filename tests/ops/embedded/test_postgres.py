"""The embedded PostgreSQL: real servers, really killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from ops.embedded import EmbeddedPostgres, EmbeddedServiceUnavailable, account, postgres_binaries
from ops.embedded.process import ServerProcess, wait_until

pytestmark = pytest.mark.db


@pytest.fixture
def home(own_home: Path) -> Path:
    """A home that is not there yet."""
    return own_home / "home"


def _write(server: EmbeddedPostgres, value: int) -> None:
    with psycopg.connect(server.dsn) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value integer)")
        connection.execute("INSERT INTO kept VALUES (%s)", (value,))


def _read(server: EmbeddedPostgres) -> list[int]:
    with psycopg.connect(server.dsn) as connection:
        return [value for (value,) in connection.execute("SELECT value FROM kept ORDER BY value")]


def test_data_and_address_survive_a_clean_restart(home):
    first = EmbeddedPostgres(home, durable=False)
    first.start()
    _write(first, 1)
    dsn = first.dsn
    first.stop()
    assert first.pid is None
    with EmbeddedPostgres(home, durable=False) as second:
        assert second.dsn == dsn
        assert _read(second) == [1]


def test_committed_rows_survive_kill_9_with_a_client_connected(home):
    server = EmbeddedPostgres(home, durable=False)
    server.start()
    client = psycopg.connect(server.dsn)
    _write(server, 2)
    server.kill()
    with pytest.raises(psycopg.OperationalError):
        client.execute("SELECT 1")
    client.close()
    server.start()
    assert _read(server) == [2]
    server.stop()


def test_a_server_killed_from_outside_starts_again_in_the_same_object(home):
    server = EmbeddedPostgres(home, durable=False)
    server.start()
    _write(server, 3)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    assert wait_until(lambda: server.pid is None, 120)
    server.start()
    assert _read(server) == [3]
    server.stop()


def test_a_stale_pid_file_naming_another_living_program_does_not_stop_the_start(home):
    server = EmbeddedPostgres(home, durable=False)
    server.start()
    _write(server, 4)
    pid_file = server.log_path.parent / "data" / "postmaster.pid"
    lines = pid_file.read_text(encoding="utf-8").splitlines()
    server.kill()
    other = subprocess.Popen(
        ["/bin/sleep", "300"], user=pid_file.stat().st_uid if os.geteuid() == 0 else None
    )  # the same owner: PostgreSQL alone would take it for a rival
    try:
        pid_file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n", encoding="utf-8")
        server.start()
        assert _read(server) == [4]
        server.stop()
    finally:
        other.kill()
        other.wait()


def test_a_server_whose_starter_died_is_adopted_and_stopped(home):
    starter = "import os, sys; from pathlib import Path; from ops.embedded import EmbeddedPostgres\n"
    starter += (
        "server = EmbeddedPostgres(Path(sys.argv[1]), durable=False); server.start(); print(server.pid, flush=True)\n"
    )
    starter += "os.kill(os.getpid(), 9)"
    died = subprocess.run([sys.executable, "-c", starter, str(home)], capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    orphan = int(died.stdout)
    server = EmbeddedPostgres(home, durable=False)
    server.start()
    assert server.pid == orphan
    _write(server, 5)
    server.stop()
    assert ServerProcess.find(orphan, "cluster_name=bellwether-") is None


def test_a_second_starter_of_the_same_home_is_refused(home):
    with EmbeddedPostgres(home, durable=False) as first:
        with pytest.raises(EmbeddedServiceUnavailable, match=f"already in use by process {os.getpid()}") as refused:
            EmbeddedPostgres(home, durable=False).start()
        assert "BELLWETHER_HOME" in refused.value.hint
        _write(first, 6)


def test_the_server_does_not_share_our_process_group(home):
    with EmbeddedPostgres(home, durable=False) as server:
        assert server.pid is not None
        assert os.getpgid(server.pid) != os.getpgid(0)


def test_a_kept_port_that_is_taken_meanwhile_is_replaced(home):
    server = EmbeddedPostgres(home, durable=False)
    server.start()
    _write(server, 7)
    taken = server.port
    server.stop()
    with socket.socket() as rival:
        rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        rival.bind(("127.0.0.1", taken))
        rival.listen()
        server.start()
        assert server.port != taken
        assert _read(server) == [7]
        server.stop()


def test_local_users_without_the_password_are_refused(home):
    with EmbeddedPostgres(home, durable=False) as server, pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://bellwether:guess@127.0.0.1:{server.port}/bellwether")


def test_half_an_initdb_is_never_taken_for_a_cluster(home):
    unfinished = home / "postgres" / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n", encoding="ascii")
    if os.geteuid() == 0:
        shutil.chown(home / "postgres", "nobody")
    with EmbeddedPostgres(home, durable=False) as server:
        _write(server, 8)
        assert not unfinished.exists()


def test_a_version_that_is_gone_is_said_in_one_sentence(home):
    with EmbeddedPostgres(home, durable=False) as server:
        version_file = server.log_path.parent / "data" / "PG_VERSION"
    version_file.write_text("12\n", encoding="ascii")
    with pytest.raises(EmbeddedServiceUnavailable, match="written by PostgreSQL 12, which is not installed"):
        EmbeddedPostgres(home, durable=False).start()


def test_without_any_binaries_the_hint_names_the_ways_out(home, monkeypatch, tmp_path):
    monkeypatch.setenv("BELLWETHER_POSTGRES_BIN", str(tmp_path))
    with pytest.raises(EmbeddedServiceUnavailable, match="no PostgreSQL of version 15 or later") as refused:
        EmbeddedPostgres(home, durable=False).start()
    assert "make setup" in refused.value.hint
    assert "BELLWETHER_DSN" in refused.value.hint


def test_an_installation_of_the_system_serves_when_the_wheel_is_missing(home, monkeypatch):
    monkeypatch.setattr(postgres_binaries, "WHEEL_MODULE", "no_such_module")
    if not postgres_binaries.find_binaries():
        with pytest.raises(EmbeddedServiceUnavailable):
            EmbeddedPostgres(home, durable=False).start()
        return
    with EmbeddedPostgres(home, durable=False) as server:
        _write(server, 9)
        assert _read(server) == [9]


def test_a_user_without_a_passwd_entry_is_told_so(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    with pytest.raises(EmbeddedServiceUnavailable, match="user id 4000000 has no entry in /etc/passwd"):
        account.service_account(tmp_path)


if os.geteuid() == 0:

    class TestAsRoot:
        """Root never runs the server itself; there is nothing to see here for ordinary users."""

        def test_the_server_runs_as_nobody_and_modes_of_parents_stay(self, home):
            before = home.parent.stat().st_mode
            with EmbeddedPostgres(home, durable=False) as server:
                assert Path(f"/proc/{server.pid}").stat().st_uid == account._substitute().pw_uid
            assert home.parent.stat().st_mode == before

        def test_a_private_home_gets_its_data_elsewhere_behind_a_link(self, home, monkeypatch):
            monkeypatch.setattr(account, "PRIVATE_PLACE", home.with_name("private-place"))
            private = home / "private"
            private.mkdir(parents=True, mode=0o700)
            with EmbeddedPostgres(private / "var", durable=False) as server:
                _write(server, 10)
            assert (private / "var" / "postgres").is_symlink()
            assert private.stat().st_mode & 0o777 == 0o700
            with EmbeddedPostgres(private / "var", durable=False) as server:
                assert _read(server) == [10]

        def test_binaries_in_a_private_folder_are_copied_to_where_nobody_can_execute_them(self, home, monkeypatch):
            home.mkdir(mode=0o711)
            installed = postgres_binaries.find_binaries()[0]
            private = home / "private"
            private.mkdir(mode=0o700)
            for place, source in installed.parts.items():
                shutil.copytree(source, private / place, symlinks=True)
            hidden = installed.copied_to(private)
            monkeypatch.setattr("ops.embedded.postgres.find_binaries", lambda: [hidden])
            with EmbeddedPostgres(home, durable=False) as server:
                _write(server, 11)
                copy = home / "postgres" / f"binaries-{installed.version}"
                assert Path(f"/proc/{server.pid}/exe").resolve().is_relative_to(copy)
