"""One search over everything that has a key or a name."""
