"""The command line: one file per noun, each thin: parse, call, print. Nothing imports this package."""
