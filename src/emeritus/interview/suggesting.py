"""What could be done about a preference at a low cost: suggested to people, promised to nobody."""

from emeritus.interview import codebook as codebooks
from emeritus.lifecycle.register import DOCUMENTED, Row


def suggestion(row: Row) -> str | None:
    """Return a suggestion, marked as one; None where there is none, or something was decided."""
    response = codebooks.load().codebook.response(row.object, row.polarity)
    if response is None or row.disposition != DOCUMENTED:
        return None
    return f"Suggestion (not a promise): {response}"
