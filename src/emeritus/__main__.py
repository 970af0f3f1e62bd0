"""`python -m emeritus` is the same program as `emeritus`."""

from emeritus.cli.main import run

run()
