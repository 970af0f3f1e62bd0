"""A battery for people: its plot, and one page with everything that was seen."""

from emeritus.evaluation.reader.files import write_reader
from emeritus.evaluation.reader.plot import Plot, plot_of
from emeritus.evaluation.reader.rendering import figure, render

__all__ = ["Plot", "figure", "plot_of", "render", "write_reader"]
