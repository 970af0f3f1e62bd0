"""Runtimes: how a model is described, started and spoken to."""

from emeritus.runtimes.api import Call, Tool
from emeritus.runtimes.description import Description, describe
from emeritus.runtimes.reach import Reach, choose, reach
from emeritus.runtimes.runtime import Endpoint, Runtime

__all__ = [
    "Call",
    "Description",
    "Endpoint",
    "Reach",
    "Runtime",
    "Tool",
    "choose",
    "describe",
    "reach",
]
