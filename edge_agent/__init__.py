"""The agent on school hardware: collects, spools, sends; serves the school's LAN. Never imports `cloud` or `ops`."""
