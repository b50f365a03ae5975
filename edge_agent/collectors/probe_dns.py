"""DNS: one question to one server, over UDP and again over TCP when the answer is cut off (RFC 1035, RFC 7766).

A success is NOERROR with an answer of the type asked, and, where the operator named right answers, with one of them:
a resolver that sends pupils to a block page answers too. `rtt_seconds` is from question to answer.
"""

from __future__ import annotations

import asyncio

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

from edge_agent.collectors.addresses import resolve
from edge_agent.collectors.probe import Outcome
from edge_agent.collectors.probe_tcp import reason_of
from edge_agent.collectors.targets import DnsTarget


async def measure_dns(target: DnsTarget, deadline: float) -> Outcome:
    """Ask once."""
    loop = asyncio.get_running_loop()
    until = min(deadline, loop.time() + target.timeout_seconds)
    try:
        question = dns.message.make_query(target.question, target.record_type)
    except (dns.exception.DNSException, ValueError) as error:
        return Outcome(False, f"bad question: {error}")
    try:
        async with asyncio.timeout_at(until):
            server = (await resolve(target.server))[0].text
            started = loop.time()
            answer, _ = await dns.asyncquery.udp_with_fallback(
                question, server, timeout=max(0.0, until - started), port=target.port, ignore_unexpected=True
            )
            rtt_seconds = loop.time() - started
    except (TimeoutError, dns.exception.Timeout):
        return Outcome(False, "timeout")
    except OSError as error:
        return Outcome(False, reason_of(error))
    except (dns.exception.DNSException, EOFError) as error:
        return Outcome(False, f"bad answer: {type(error).__name__}")
    failure = _failure(answer, target)
    return Outcome(failure is None, failure, rtt_seconds=rtt_seconds, status_code=int(answer.rcode()))


def _failure(answer: dns.message.Message, target: DnsTarget) -> str | None:
    if answer.rcode() != dns.rcode.NOERROR:
        return dns.rcode.to_text(answer.rcode())
    wanted = dns.rdatatype.from_text(target.record_type)
    found = [record.to_text() for rrset in answer.answer if rrset.rdtype == wanted for record in rrset]
    if not found:
        return "no such record"
    if target.expected and not {one.rstrip(".").lower() for one in found} & {
        one.rstrip(".").lower() for one in target.expected
    }:
        return f"unexpected answer {found[0]}"
    return None
