"""The live stream: one LISTEN per worker, coalesced, to any number of browsers."""
