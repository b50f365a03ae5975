"""Feeds outward: stored records told to other systems at least once, each receiver at its own pace."""
