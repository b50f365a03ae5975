"""Desired and reported state of agents: signed documents out, reports in, and blobs in both directions."""
