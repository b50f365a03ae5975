"""What is: the status of every thing, decided by pure rules and kept in an append-only log."""
