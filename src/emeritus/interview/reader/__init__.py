"""An interview to be read: one self-contained page, and its turns for programs."""

from emeritus.interview.reader.files import Form, write_reader
from emeritus.interview.reader.inspect_log import inspect_log_of
from emeritus.interview.reader.lines import lines_of
from emeritus.interview.reader.rendering import reader_of

__all__ = ["Form", "inspect_log_of", "lines_of", "reader_of", "write_reader"]
