"""Preparing a machine: what `make` calls before the demo, the tests and the checks."""
