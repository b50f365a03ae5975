"""Roster and timetable: who learns where and when; names live here alone."""
