"""Incidents: one per cause, with everything behind it, its timeline, and what people did about it."""
