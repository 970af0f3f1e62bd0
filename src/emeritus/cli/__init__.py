"""The command line: parses, makes one call, shows what came back."""
