"""Emeritus retires an AI model without losing it, and proves it.

Parts speak to each other only through the record; see ARCHITECTURE.md for the layers.
"""

__version__ = "0.1.0"
