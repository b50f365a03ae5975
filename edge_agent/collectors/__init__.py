"""Collectors: one file per kind of measurement, one signature `collect(target, deadline) -> Reading`.

They never see the spool, and import heavy libraries only when a target of theirs is first measured.
"""
