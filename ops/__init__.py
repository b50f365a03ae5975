"""For people who operate and develop Bellwether: command line, embedded services, simulator, faults, benchmarks.

`ops` may import the edge and the cloud; nothing imports `ops`.
"""
