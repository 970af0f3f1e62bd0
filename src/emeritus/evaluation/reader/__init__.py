"""A battery for people: its plot, and one page with everything that was seen."""

from emeritus.evaluation.reader.files import write_reader
from emeritus.evaluation.reader.plot import plot_of
from emeritus.evaluation.reader.rendering import figure, render, style
from emeritus.evaluation.reader.sentences import Part, lines_of, parts_of
from emeritus.evaluation.reader.view import View, published_view, view_of

__all__ = [
    "Part",
    "View",
    "figure",
    "lines_of",
    "parts_of",
    "plot_of",
    "published_view",
    "render",
    "style",
    "view_of",
    "write_reader",
]
