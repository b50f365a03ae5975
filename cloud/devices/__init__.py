"""One device, one port, one classroom: what each is, what happened to it, what stands around it."""
