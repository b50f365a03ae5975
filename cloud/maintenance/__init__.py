"""Maintenance: planned work as rules, the cheapest window by the timetable, and what is being worked on now."""
