"""The REST API's composition root: every domain's routes, the stream, health, metrics and the console, in one app."""
