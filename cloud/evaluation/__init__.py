"""Evaluation: indicators, evidence, and values worked out from them; missing is not zero."""
