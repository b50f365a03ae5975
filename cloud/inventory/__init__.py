"""Inventory: what should exist, imported from a district's folder of CSV files."""
