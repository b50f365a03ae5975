"""Content: blobs by their SHA-256, and manifests that say which class needs which by when."""
