"""Ingest: segments from the broker into the database, exactly once in effect, with a receipt after the commit.

The life of a segment here: `broker` receives, `reading` decodes and refuses, `buffer` collects a batch, `store` commits
it in one transaction, `worker` sends the receipts. What is refused goes to quarantine in the same transaction.
"""
