"""Privacy: retention, erasure that reaches the edge, and who looked at whose records."""
