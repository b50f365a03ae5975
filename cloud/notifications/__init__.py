"""Notifications: who is told what, when and how, with a record of every delivery."""
