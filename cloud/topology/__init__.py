"""What hangs where: the declared tree, overlaid with what devices say of their neighbours."""
