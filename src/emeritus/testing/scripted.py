"""A server that answers by a script, for tests: what planted models are served by, too."""

from emeritus.runtimes import Call
from emeritus.runtimes.scripted import Answer, Script, scripted

__all__ = ["Answer", "Call", "Script", "scripted"]
