"""From a syslog message to what it says: RFC 5424, and what devices call RFC 3164. Pure.

The message is kept short and veiled: account names, identity-card and mobile numbers, e-mail addresses (which 802.1X
switches and controllers like to log of whoever signs in) are personal data and no evidence of a fault.
"""

from __future__ import annotations

import re

from edge_agent.collectors.snmp.ports import text
from edge_agent.receivers.values import NotTaken

MESSAGE_LENGTH = 400
NAME_LENGTH = 64
SEVERITIES = ("emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug")
FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip

_PRIORITY = re.compile(rb"<(\d{1,3})>")
_5424 = re.compile(
    r"1 (?P<time>\S+) (?P<host>\S+) (?P<program>\S+) (?P<pid>\S+) (?P<id>\S+) "
    r"(?P<data>-|(?:\[(?:[^\]\\\"]|\"(?:[^\"\\]|\\.)*\")*\])+)(?: (?P<message>.*))?$",
    re.DOTALL,
)
_3164 = re.compile(
    r"(?P<time>[A-Z][a-z]{2} [ \d]?\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?(?: \d{4})?(?: [A-Z]{3,5})?:?) (?P<rest>.*)$",
    re.DOTALL,
)
_HOST = re.compile(r"(?P<host>[A-Za-z0-9_.:\[\]-]{1,255}) (?P<message>.*)$", re.DOTALL)
_PROGRAM = re.compile(r"(?P<program>[\w./%-]{1,64})(?:\[\d+\])?:")
_VEILS = (
    (re.compile(r"\b\d{17}[\dXx]\b"), "***"),
    (re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)"), "***"),
    (re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"), "***"),
    (
        re.compile(
            r"(?i)\b((?:user(?:[ _-]?name)?|account|login|identity)\s*[=:]|user\b)(\s*)"
            r"(\"[^\"]*\"|'[^']*'|[^\s,;()\]]+)"
        ),
        r"\1\2***",
    ),
)  # fmt: skip


class LogMessage:
    """What one syslog message says; `severity` is its number, 0 the worst."""

    __slots__ = ("facility", "host", "message", "program", "severity")

    def __init__(self, severity: int, facility: int, host: str, program: str, message: str) -> None:
        self.severity = severity
        self.facility = facility
        self.host = host
        self.program = program
        self.message = message


def read_log_message(data: bytes) -> LogMessage:
    """Return what a message says.

    Raises:
        NotTaken: it has no priority, or one that does not exist.
    """
    found = _PRIORITY.match(data)
    if found is None:
        raise NotTaken("no priority")
    priority = int(found[1])
    if priority > 191:
        raise NotTaken("no such priority")
    facility, severity = divmod(priority, 8)
    body = text(data[found.end() :].removesuffix(b"\n").replace(b"\n", b" ").removeprefix(b"\xef\xbb\xbf"))
    if not body:
        raise NotTaken("empty")
    host, program, message = _parts(body)
    return LogMessage(severity, facility, host[:NAME_LENGTH], program[:NAME_LENGTH], _short(_veiled(message)))


def _parts(body: str) -> tuple[str, str, str]:
    if new := _5424.match(body):
        said = (new["message"] or "").lstrip("\ufeff") or new["data"]
        return _known(new["host"]), _known(new["program"]), said
    old = _3164.match(body)
    rest = old["rest"] if old else body
    host = ""
    if old and (named := _HOST.match(rest)) and not named["host"].endswith(":"):
        host, rest = named["host"], named["message"]
    program = _PROGRAM.match(rest)
    return host, program["program"] if program else "", rest


def _known(word: str) -> str:
    return "" if word == "-" else word


def _veiled(message: str) -> str:
    for pattern, stand_in in _VEILS:
        message = pattern.sub(stand_in, message)
    return message


def _short(message: str) -> str:
    return message if len(message) <= MESSAGE_LENGTH else message[: MESSAGE_LENGTH - 1] + "…"
