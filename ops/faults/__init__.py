"""Faults made on purpose: lines that fail, processes that die. Used by the simulator, the demo and the tests."""
