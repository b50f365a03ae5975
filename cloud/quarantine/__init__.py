"""Quarantine: what could not be taken, kept whole with its reason, listed and replayed."""
