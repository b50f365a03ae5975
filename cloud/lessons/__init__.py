"""Lessons: what an outage cost, in lesson-minutes lost, at risk and saved by the cache."""
