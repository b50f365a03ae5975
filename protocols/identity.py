"""Names that travel: agents, epochs, instances and boots.

An *agent id* is also the common name of its certificate and a level of its MQTT topics, so it may hold neither `/`,
`+` nor `#`. An *epoch* is made with the spool file and names one gap-free run of `seq`; an *instance* names one process
of an agent, so that two processes under one id can be told apart; a *boot* is the kernel's boot id.
"""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

AGENT_ID_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"

AgentId = Annotated[str, Meta(pattern=AGENT_ID_PATTERN, description="Agent id, the certificate's common name")]
Epoch = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{16}$", description="Random id of one gap-free run of seq (64 bits, hex)")
]
Instance = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$", description="Random id of one agent process (64 bits, hex)")]
BootId = Annotated[str, Meta(min_length=1, max_length=64, description="The kernel's boot id")]
Seq = Annotated[int, Meta(ge=1, le=2**62, description="Order number of a segment in its epoch, from 1, gap-free")]
HighSeq = Annotated[int, Meta(ge=0, le=2**62, description="Highest seq known of an epoch, 0 for none")]
Milliseconds = Annotated[int, Meta(ge=0, le=2**52)]
Count = Annotated[int, Meta(ge=0, le=2**48, description="Number of things; a whole district's add up within 64 bits")]
ThingKey = Annotated[
    str, Meta(min_length=1, max_length=160, description="Natural key of a thing, e.g. s07-sw01/GigabitEthernet0/0/1")
]

_AGENT_ID = re.compile(AGENT_ID_PATTERN)


def is_agent_id(text: str) -> bool:
    """Tell whether `text` may name an agent."""
    return _AGENT_ID.fullmatch(text) is not None
