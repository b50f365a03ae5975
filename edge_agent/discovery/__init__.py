"""What stands on a school's network: found by SNMP, LLDP, CDP and ARP from a few addresses, for the inventory."""
