"""A battery for people: its plot, and one page with everything that was seen."""

from emeritus.evaluation.reader.files import write_reader
from emeritus.evaluation.reader.plot import Plot, plot_of
from emeritus.evaluation.reader.rendering import figure, render, style
from emeritus.evaluation.reader.view import View, lines_of, published_view, view_of

__all__ = [
    "Plot",
    "View",
    "figure",
    "lines_of",
    "plot_of",
    "published_view",
    "render",
    "style",
    "view_of",
    "write_reader",
]
