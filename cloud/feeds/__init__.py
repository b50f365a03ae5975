"""Feeds outward: what the services took, told to other systems at least once, each at its own pace."""
