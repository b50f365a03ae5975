"""Classroom facts as they arrived: exactly one arrival of each id counts, none is lost."""
