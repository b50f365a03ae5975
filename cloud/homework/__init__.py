"""Homework: assignments, submissions with every version, grades with every conflict."""
