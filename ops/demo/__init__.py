"""The demo: the whole main job on one machine, on embedded defaults, told while it happens."""
