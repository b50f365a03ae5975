"""Benchmarks: each measures one room of the code against a limit on the same machine in the same run."""
