"""The wire contract between edge and cloud: values, topics and codec, without I/O and without a clock.

Both sides import this package and nothing else of each other. Every message is a frozen `msgspec.Struct`; unknown
fields are refused, because a field that is silently ignored is data that silently vanishes (DESIGN.md §3).
"""
