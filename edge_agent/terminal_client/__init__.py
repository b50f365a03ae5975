"""The reference client of a terminal: how an app takes part in lessons that survive the network.

Everything it does over HTTP is in `docs/terminal-protocol.md`, so that an app can be written without reading this code.
It is also what the simulator's classes are made of.
"""
