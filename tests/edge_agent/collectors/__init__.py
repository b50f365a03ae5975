"""Collectors: the counter rules as pure functions, everything else against real agents, sockets and servers."""
