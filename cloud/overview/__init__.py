"""The district on one screen: counts, grid, freshness, backlog, ledger; and the compact state of everything."""
