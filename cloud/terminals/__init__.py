"""Terminals as a list to search, filter, sort, export and act upon."""
