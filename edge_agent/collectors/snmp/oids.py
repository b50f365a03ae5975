"""The objects we read, under their MIB names, as numeric OIDs (SNMPv2-MIB, SNMP-FRAMEWORK-MIB, IF-MIB).

Columns are split by how fast they change: names and kinds once an hour, counters and states each poll.
"""

from __future__ import annotations

SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"
SYS_UP_TIME = "1.3.6.1.2.1.1.3.0"
SNMP_ENGINE_BOOTS = "1.3.6.1.6.3.10.2.1.2.0"

IF_DESCR = "1.3.6.1.2.1.2.2.1.2"
IF_TYPE = "1.3.6.1.2.1.2.2.1.3"
IF_SPEED = "1.3.6.1.2.1.2.2.1.5"
IF_PHYS_ADDRESS = "1.3.6.1.2.1.2.2.1.6"
IF_ADMIN_STATUS = "1.3.6.1.2.1.2.2.1.7"
IF_OPER_STATUS = "1.3.6.1.2.1.2.2.1.8"
IF_LAST_CHANGE = "1.3.6.1.2.1.2.2.1.9"
IF_IN_OCTETS = "1.3.6.1.2.1.2.2.1.10"
IF_IN_DISCARDS = "1.3.6.1.2.1.2.2.1.13"
IF_IN_ERRORS = "1.3.6.1.2.1.2.2.1.14"
IF_OUT_OCTETS = "1.3.6.1.2.1.2.2.1.16"
IF_OUT_DISCARDS = "1.3.6.1.2.1.2.2.1.19"
IF_OUT_ERRORS = "1.3.6.1.2.1.2.2.1.20"
IF_NAME = "1.3.6.1.2.1.31.1.1.1.1"
IF_HC_IN_OCTETS = "1.3.6.1.2.1.31.1.1.1.6"
IF_HC_OUT_OCTETS = "1.3.6.1.2.1.31.1.1.1.10"
IF_HIGH_SPEED = "1.3.6.1.2.1.31.1.1.1.15"
IF_ALIAS = "1.3.6.1.2.1.31.1.1.1.18"
IF_COUNTER_DISCONTINUITY_TIME = "1.3.6.1.2.1.31.1.1.1.19"

SLOW_COLUMNS = (IF_DESCR, IF_NAME, IF_TYPE, IF_PHYS_ADDRESS, IF_SPEED, IF_HC_IN_OCTETS, IF_ALIAS)
FAST_COLUMNS = (
    IF_HIGH_SPEED,
    IF_OPER_STATUS,
    IF_ADMIN_STATUS,
    IF_LAST_CHANGE,
    IF_COUNTER_DISCONTINUITY_TIME,
    IF_IN_ERRORS,
    IF_OUT_ERRORS,
    IF_IN_DISCARDS,
    IF_OUT_DISCARDS,
)
"""Read each poll for every port, together with its name and its two octet counters."""
