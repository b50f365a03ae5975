"""TCP, DNS and HTTP checks against real servers on loopback, well-behaved and otherwise."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_agent.clock import SystemClock
from edge_agent.collectors.probe import Outcome, ProbeCollector
from edge_agent.collectors.probe_dns import measure_dns
from edge_agent.collectors.probe_http import http_measure
from edge_agent.collectors.probe_tcp import measure_tcp
from edge_agent.collectors.targets import DnsTarget, HttpTarget, TcpTarget
from ops.embedded import process
from protocols.samples import ProbeSample

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def soon() -> float:
    return asyncio.get_running_loop().time() + 90.0


@asynccontextmanager
async def serving(
    handler: Handler, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[int]:
    """A TCP server; yields its port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # probes hang up when they know enough
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(handle, host, port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def answering(text: str) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(text.replace("\n", "\r\n").encode())
        await writer.drain()
        await reader.read()

    return handle


async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_what_a_server_puts_into_its_answer_is_kept_as_printable_text():
    async def measure(_target: HttpTarget, _deadline: float) -> Outcome:
        return Outcome(False, "status 302, redirects to \x00\x1b[2J/login\u2028")

    reading = await ProbeCollector(measure, SystemClock()).collect(HttpTarget("p", "http://portal.example/"), soon())
    (sample,), (change,) = reading.samples, reading.events
    assert isinstance(sample, ProbeSample)
    assert sample.reason == change.attributes["reason"] == "status 302, redirects to [2J/login"


class TestTcp:
    @pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
    async def test_a_port_that_listens(self, host: str):
        async with serving(never, host) as port:
            outcome = await measure_tcp(TcpTarget("p", host, port), soon())
        assert outcome.success
        assert outcome.connect_seconds is not None
        assert outcome.rtt_seconds == outcome.connect_seconds > 0
        assert outcome.resolve_seconds is None, "nobody was asked about a numeric address"

    async def test_a_name_is_looked_up_and_that_is_timed(self):
        async with serving(never) as port:
            outcome = await measure_tcp(TcpTarget("p", "localhost", port), soon())
        assert outcome.success, "also where localhost is IPv6 first and only IPv4 listens"
        assert outcome.resolve_seconds is not None

    async def test_a_port_that_nothing_listens_on(self, free_port: int):
        outcome = await measure_tcp(TcpTarget("p", "127.0.0.1", free_port), soon())
        assert outcome == Outcome(False, "connection refused")

    async def test_a_name_that_nobody_knows(self):
        outcome = await measure_tcp(TcpTarget("p", "nowhere.invalid", 80), soon())
        assert outcome == Outcome(False, "cannot resolve the name")

    async def test_a_host_that_swallows_connections_is_a_timeout(self):
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            fillers = [socket.create_connection(full.getsockname())]
            for _ in range(3):  # the queue of a listening socket that nobody accepts from
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
                fillers.append(filler)
            target = TcpTarget("p", "127.0.0.1", full.getsockname()[1], timeout_seconds=0.2)
            outcome = await measure_tcp(target, soon())
            for filler in fillers:
                filler.close()
        assert outcome == Outcome(False, "timeout")


class NameServer(asyncio.DatagramProtocol):
    """Knows one name; says what it is told to."""

    def __init__(self) -> None:
        self.rcode = dns.rcode.NOERROR
        self.answers: list[str] = ["192.0.2.80"]
        self.truncate = False
        self.garbage = False
        self.silent = False
        self.asked_over_tcp = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.silent:
            self.transport.sendto(self.reply(data, over_tcp=False), addr)  # type: ignore[attr-defined]

    def reply(self, data: bytes, *, over_tcp: bool) -> bytes:
        if self.garbage:
            return data[:2] + b"\x80" + b"\xff" * 30
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question)
        answer.set_rcode(self.rcode)
        if self.truncate and not over_tcp:
            answer.flags |= dns.flags.TC
        elif self.answers:
            name = question.question[0].name
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", *self.answers))
        return answer.to_wire()

    async def handle_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked_over_tcp += 1
        size = int.from_bytes(await reader.readexactly(2))
        reply = self.reply(await reader.readexactly(size), over_tcp=True)
        writer.write(len(reply).to_bytes(2) + reply)
        await writer.drain()
        await reader.read()


class TestDns:
    @pytest.fixture
    async def server(self) -> AsyncIterator[NameServer]:
        server = NameServer()
        loop = asyncio.get_running_loop()
        async with serving(server.handle_tcp, port=process.free_port(socket.SOCK_DGRAM)) as port:
            transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", port))
            self.port = port
            yield server
            transport.close()

    async def ask(self, *expected: str, timeout_seconds: float = 30.0) -> Outcome:
        target = DnsTarget(
            "d",
            "127.0.0.1",
            "www.example.org",
            port=self.port,
            expected=expected,
            timeout_seconds=timeout_seconds,
        )
        return await measure_dns(target, soon())

    async def test_an_answer(self, server: NameServer):
        outcome = await self.ask()
        assert (outcome.success, outcome.reason, outcome.status_code) == (True, None, 0)
        assert outcome.rtt_seconds is not None
        assert outcome.rtt_seconds > 0

    async def test_the_expected_answer_among_others(self, server: NameServer):
        server.answers = ["192.0.2.80", "192.0.2.81"]
        assert (await self.ask("192.0.2.81", "192.0.2.99")).success

    async def test_a_resolver_that_lies_answers_quickly_and_fails(self, server: NameServer):
        outcome = await self.ask("198.51.100.1")
        assert (outcome.success, outcome.reason) == (False, "unexpected answer 192.0.2.80")
        assert outcome.rtt_seconds is not None

    async def test_no_such_name(self, server: NameServer):
        server.rcode, server.answers = dns.rcode.NXDOMAIN, []
        outcome = await self.ask()
        assert (outcome.success, outcome.reason, outcome.status_code) == (False, "NXDOMAIN", 3)

    async def test_a_name_without_such_a_record(self, server: NameServer):
        server.answers = []
        assert (await self.ask()).reason == "no such record"

    async def test_an_answer_cut_off_is_asked_for_again_over_tcp(self, server: NameServer):
        server.truncate = True
        assert (await self.ask()).success
        assert server.asked_over_tcp == 1

    async def test_garbage_is_a_bad_answer_and_no_traceback(self, server: NameServer):
        server.garbage = True
        outcome = await self.ask(timeout_seconds=0.5)
        assert not outcome.success
        assert outcome.reason is not None

    async def test_silence_is_a_timeout(self, server: NameServer):
        server.silent = True
        assert await self.ask(timeout_seconds=0.2) == Outcome(False, "timeout")

    async def test_a_question_that_cannot_be_asked(self):
        outcome = await measure_dns(DnsTarget("d", "127.0.0.1", "a" * 70 + ".example"), soon())
        assert not outcome.success
        assert outcome.reason is not None
        assert outcome.reason.startswith("bad question")


@dataclass
class Certificate:
    """A server's certificate and the CA that a client must trust."""

    context: ssl.SSLContext
    ca_file: str


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for 127.0.0.1, signed by itself."""
    folder: Path = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "probe test")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return Certificate(context, str(folder / "cert.pem"))


OK = "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"


class TestHttp:
    async def get(self, url: str, **options: object) -> Outcome:
        return await http_measure()(HttpTarget("h", url, **options), soon())  # type: ignore[arg-type]

    async def test_phases_of_a_plain_request(self):
        async with serving(answering(OK)) as port:
            outcome = await self.get(f"http://127.0.0.1:{port}/health?deep=1")
        assert (outcome.success, outcome.reason, outcome.status_code) == (True, None, 200)
        assert outcome.connect_seconds is not None
        assert outcome.first_byte_seconds is not None
        assert outcome.rtt_seconds is not None
        assert outcome.rtt_seconds >= outcome.connect_seconds + outcome.first_byte_seconds
        assert (outcome.resolve_seconds, outcome.tls_seconds) == (None, None)

    async def test_what_is_sent_is_one_whole_request_for_that_host_and_path(self):
        heard: list[bytes] = []

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()

        async with serving(listen) as port:
            assert (await self.get(f"http://localhost:{port}/a?b=c")).success
        lines = heard[0].decode().split("\r\n")
        assert lines[0] == "GET /a?b=c HTTP/1.1"
        assert f"Host: localhost:{port}" in lines
        assert "Connection: close" in lines

    async def test_ipv6(self):
        async with serving(answering(OK), "::1") as port:
            assert (await self.get(f"http://[::1]:{port}/")).success

    async def test_tls_with_a_trusted_certificate(self, certificate: Certificate):
        async with serving(answering(OK), tls=certificate.context) as port:
            outcome = await self.get(f"https://127.0.0.1:{port}/", ca_file=certificate.ca_file)
        assert (outcome.success, outcome.reason) == (True, None)
        assert outcome.tls_seconds is not None
        assert outcome.tls_seconds > 0

    async def test_a_certificate_that_nobody_trusts(self, certificate: Certificate):
        async with serving(answering(OK), tls=certificate.context) as port:
            outcome = await self.get(f"https://127.0.0.1:{port}/")
            unverified = await self.get(f"https://127.0.0.1:{port}/", verify_tls=False)
        assert (outcome.success, outcome.reason) == (False, "certificate: self-signed certificate")
        assert outcome.connect_seconds is not None
        assert unverified.success

    async def test_a_captive_portal_is_a_failure_and_is_not_followed(self):
        async with serving(answering("HTTP/1.1 302 Found\nLocation: http://portal.example/login\n\n")) as port:
            outcome = await self.get(f"http://127.0.0.1:{port}/")
            expected = await self.get(f"http://127.0.0.1:{port}/", expected_status=(302,))
        assert (outcome.success, outcome.status_code) == (False, 302)
        assert outcome.reason == "status 302, redirects to http://portal.example/login"
        assert expected.success

    async def test_a_server_in_trouble(self):
        async with serving(answering("HTTP/1.1 503 Service Unavailable\n\n")) as port:
            outcome = await self.get(f"http://127.0.0.1:{port}/")
        assert (outcome.success, outcome.status_code, outcome.reason) == (False, 503, "status 503")
        assert outcome.first_byte_seconds is not None

    @pytest.mark.parametrize(
        ("said", "reason"),
        [
            ("SSH-2.0-OpenSSH_9.2\n\n", "not an HTTP answer"),
            ("HTTP/1.1 whatever\n\n", "not an HTTP answer"),
            ("", "closed without an answer"),
            ("HTTP/1.1 200 OK\n" + "X: y\n" * 30_000, "endless headers"),
        ],
        ids=["not http", "no status", "nothing", "endless headers"],
    )
    async def test_servers_that_speak_something_else(self, said: str, reason: str):
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(said.replace("\n", "\r\n").encode())
            await writer.drain()
            if not said:
                writer.close()
                await writer.wait_closed()
            else:
                await reader.read()

        async with serving(handle) as port:
            outcome = await self.get(f"http://127.0.0.1:{port}/")
        assert (outcome.success, outcome.reason) == (False, reason)

    async def test_a_server_that_never_answers(self):
        async with serving(never) as port:
            outcome = await self.get(f"http://127.0.0.1:{port}/", timeout_seconds=2.0)
        assert (outcome.success, outcome.reason) == (False, "timeout")
        assert outcome.connect_seconds is not None
        assert (outcome.first_byte_seconds, outcome.rtt_seconds) == (None, None)

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("ftp://127.0.0.1/", "not an http address"),
            ("http:///nothing", "not an http address"),
            ("http://nowhere.invalid/", "cannot resolve the name"),
        ],
    )
    async def test_addresses_that_lead_nowhere(self, url: str, reason: str):
        assert await self.get(url) == Outcome(False, reason)

    async def test_the_deadline_outranks_the_targets_own_patience(self):
        loop = asyncio.get_running_loop()
        async with serving(never) as port, asyncio.timeout(100):
            target = HttpTarget("h", f"http://127.0.0.1:{port}/", timeout_seconds=600.0)
            outcome = await http_measure()(target, loop.time() + 0.2)
        assert outcome.reason == "timeout"
