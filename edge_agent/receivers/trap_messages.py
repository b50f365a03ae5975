"""From a datagram to a notification: SNMPv1 and v2c by community, v3 by USM. Through pysnmp, without its sockets.

What is believed: v1 and v2c with the community of the device that the address belongs to, or with the one of
`[traps]`; v3 with the user of that device, or the one of `[traps]`, at no lower a level than that user has. An inform
is answered. Known traps of pysnmp, and what is done about them here:

* its engine takes a message of a known user without any authentication: the level is checked here;
* it believes a sender's engine only after its user was entered for it, keys localized: done here at its first message;
* all that it keeps of senders, true or not, stays: an engine that has refused many messages is made anew;
* it says why it refused only by its counters (RFC 3414): these are compared before and after;
* it loses the user table's keys when two users share a name: an engine per credential set.
"""

from __future__ import annotations

import hmac
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edge_agent.collectors.snmp.pysnmp_session import AUTH, PRIV, value_of
from edge_agent.collectors.targets import CommunityV2c, Credentials, DeviceTarget, UserV3
from edge_agent.receivers.values import NotTaken, Trap

with warnings.catch_warnings():  # where pysmi is installed too, pysnmp imports a name that pysmi deprecates
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyasn1.codec.ber import decoder, encoder  # type: ignore[import-untyped]
    from pyasn1.error import PyAsn1Error  # type: ignore[import-untyped]
    from pysnmp.carrier.asyncio.dgram import udp
    from pysnmp.carrier.base import AbstractTransportDispatcher
    from pysnmp.entity import config as entity_config
    from pysnmp.entity.engine import SnmpEngine
    from pysnmp.entity.rfc3413.ntfrcv import NotificationReceiver
    from pysnmp.error import PySnmpError
    from pysnmp.proto.api import v1, v2c, verdec
    from pysnmp.proto.mpmod.rfc3412 import SNMPv3Message
    from pysnmp.proto.proxy import rfc2576
    from pysnmp.proto.secmod.rfc3414.service import UsmSecurityParameters

SNMP_TRAP_OID = "1.3.6.1.6.3.1.1.4.1.0"
SYS_UP_TIME = "1.3.6.1.2.1.1.3.0"
MOST_REFUSALS = 2_000
OUT_OF_TIME_WEIGHT = 100
NO_AUTH_NO_PRIV, AUTH_NO_PRIV, AUTH_PRIV = 1, 2, 3
_REASONS = {
    "usmStatsUnsupportedSecLevels": "security level not supported",
    "usmStatsNotInTimeWindows": "not in time window",
    "usmStatsUnknownUserNames": "unknown user",
    "usmStatsUnknownEngineIDs": "unknown engine",
    "usmStatsWrongDigests": "wrong digest",
    "usmStatsDecryptionErrors": "decryption failed",
}


class TrapReader:
    """Reads notifications. `own` are credentials of `[traps]`, taken from any address."""

    def __init__(self, own: tuple[Credentials, ...]) -> None:
        self._own = own
        self._users: dict[UserV3, _UserEngine] = {}

    def read(self, data: bytes, device: DeviceTarget | None) -> tuple[Trap | None, bytes | None]:
        """Return the notification, None for a question of the protocol itself, and the answer to send if any.

        Raises:
            NotTaken: it cannot be read, or is not to be believed.
        """
        credentials = (*(() if device is None else (device.credentials,)), *self._own)
        try:
            version = int(verdec.decode_message_version(data))
            if version in (0, 1):
                return self._by_community(data, version, [c for c in credentials if isinstance(c, CommunityV2c)])
            if version == 3:
                return self._by_user(data, [c for c in credentials if isinstance(c, UserV3)])
        except (PySnmpError, PyAsn1Error, IndexError, TypeError, ValueError, RecursionError) as error:
            raise NotTaken("not readable") from error
        raise NotTaken("unknown version")

    def _by_community(
        self, data: bytes, version: int, communities: list[CommunityV2c]
    ) -> tuple[Trap | None, bytes | None]:
        api: Any = v2c if version else v1
        message, _ = decoder.decode(data, asn1Spec=api.Message())
        said = bytes(api.apiMessage.get_community(message))
        if not any(hmac.compare_digest(said, one.community.encode()) for one in communities):
            raise NotTaken("wrong community")
        pdu = api.apiMessage.get_pdu(message)
        if version == 0:
            if not pdu.isSameTypeWith(v1.TrapPDU()):
                raise NotTaken("not a notification")
            return _trap(v2c.apiPDU.get_varbinds(rfc2576.v1_to_v2(pdu))), None
        if pdu.isSameTypeWith(v2c.InformRequestPDU()):
            trap = _trap(v2c.apiPDU.get_varbinds(pdu))
            answer = v2c.apiPDU.get_response(pdu)
            v2c.apiPDU.set_varbinds(answer, v2c.apiPDU.get_varbinds(pdu))
            v2c.apiMessage.set_pdu(message, answer)
            return trap, bytes(encoder.encode(message))
        if not pdu.isSameTypeWith(v2c.SNMPv2TrapPDU()):
            raise NotTaken("not a notification")
        return _trap(v2c.apiPDU.get_varbinds(pdu)), None

    def _by_user(self, data: bytes, users: list[UserV3]) -> tuple[Trap | None, bytes | None]:
        reason, answer = "unknown user", None
        for user in users:
            engine = self._users.get(user)
            if engine is None or engine.refusals > MOST_REFUSALS:
                engine = self._users[user] = _UserEngine(user)
            taken = engine.take(data)
            if taken.varbinds is not None:
                return _trap(taken.varbinds), taken.answer
            reason, answer = taken.reason, answer or taken.answer
        if reason == _REASONS["usmStatsUnknownEngineIDs"] and answer is not None:
            return None, answer  # the sender of an inform asks who we are (RFC 3414 §4)
        raise NotTaken(reason)


@dataclass(slots=True)
class _Taken:
    varbinds: Any = None
    answer: bytes | None = None
    reason: str = "not a notification"


class _UserEngine:
    """An SNMP engine that knows one user; costs about 0.1 s to make."""

    def __init__(self, user: UserV3) -> None:
        self.refusals = 0
        self._needed = AUTH_PRIV if user.priv_protocol else AUTH_NO_PRIV if user.auth_protocol else NO_AUTH_NO_PRIV
        self._engine = SnmpEngine()
        options: dict[str, Any] = {}
        if user.auth_protocol is not None:
            options |= {"authProtocol": AUTH[user.auth_protocol], "authKey": user.auth_key}
        if user.priv_protocol is not None:
            options |= {"privProtocol": PRIV[user.priv_protocol], "privKey": user.priv_key}
        entity_config.add_v3_user(self._engine, user.user, **options)  # for informs, of which we are the authority
        self._user, self._options = user.user, options
        self._senders: set[bytes] = set()
        self._engine.transport_dispatcher = _Outbox(self._keep)
        self._taken = _Taken()
        self._level = 0
        self._receiver = NotificationReceiver(self._engine, self._notified)
        self._engine.observer.register_observer(self._seen, "rfc3412.receiveMessage:request")
        builder = self._engine.get_mib_builder()
        self._counters = {name: builder.import_symbols("__SNMP-USER-BASED-SM-MIB", name)[0] for name in _REASONS}

    def take(self, data: bytes) -> _Taken:
        """Have the engine read a message."""
        taken = self._taken = _Taken()
        self._level = 0
        self._enter(data)
        before = {name: int(counter.syntax) for name, counter in self._counters.items()}
        address = udp.UdpTransportAddress(("127.0.0.1", 0))  # answers come back through the outbox
        self._engine.message_dispatcher.receive_message(self._engine, udp.DOMAIN_NAME, address, data)
        if taken.varbinds is None:
            self.refusals += 1
            for name, counter in self._counters.items():
                if int(counter.syntax) != before[name]:
                    taken.reason = _REASONS[name]
            if taken.reason == _REASONS["usmStatsNotInTimeWindows"]:
                self.refusals += OUT_OF_TIME_WEIGHT  # perhaps a device that was replaced: what is kept of it goes soon
        elif self._level < self._needed:
            return _Taken(reason="security level too low")
        return taken

    def _enter(self, data: bytes) -> None:
        """Have the user known for the engine that a message comes from."""
        message, _ = decoder.decode(data, asn1Spec=SNMPv3Message())
        security, _ = decoder.decode(bytes(message.getComponentByPosition(2)), asn1Spec=UsmSecurityParameters())
        sender = bytes(security.getComponentByPosition(0))
        theirs = bytes(security.getComponentByPosition(3)) == self._user.encode()
        known = sender in self._senders or sender == bytes(self._engine.snmpEngineID)
        if theirs and not known and 4 < len(sender) < 33:  # RFC 3411 §5, SnmpEngineID
            self._senders.add(sender)
            identity = v2c.OctetString(sender)
            entity_config.add_v3_user(self._engine, self._user, securityEngineId=identity, **self._options)

    def _keep(self, message: bytes) -> None:
        self._taken.answer = message

    def _seen(self, _engine: Any, _point: str, variables: dict[str, Any], _context: Any) -> None:
        self._level = int(variables["securityLevel"])

    def _notified(
        self, _engine: Any, _state: Any, _context_engine: Any, _context_name: Any, varbinds: Any, _context: Any
    ) -> None:
        self._taken.varbinds = varbinds


class _Outbox(AbstractTransportDispatcher):  # type: ignore[misc,unused-ignore]
    """Stands where pysnmp has its sockets: what the engine wants to send goes to `keep`."""

    def __init__(self, keep: Callable[[bytes], None]) -> None:
        super().__init__()
        self._keep = keep

    def send_message(self, message: Any, _domain: Any, _address: Any) -> None:
        """Called by pysnmp."""
        self._keep(bytes(message))


def _trap(varbinds: Any) -> Trap:
    found = [(str(name), value_of(value)) for name, value in varbinds]
    oid = next((value for name, value in found if name == SNMP_TRAP_OID), None)
    if not isinstance(oid, str):
        raise NotTaken("no snmpTrapOID")
    return Trap(oid, tuple(one for one in found if one[0] not in (SNMP_TRAP_OID, SYS_UP_TIME)))
