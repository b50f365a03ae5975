"""The console in a real browser, on a real cloud that real agents feed."""
