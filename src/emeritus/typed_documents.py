"""How documents of our own formats are stored: canonical JSON and a newline, read strictly."""

from typing import Protocol, TypeVar

import msgspec

from emeritus import canonical
from emeritus.errors import UserError


class Formatted(Protocol):
    """A document that says which format it has."""

    @property
    def format(self) -> str:
        """Its format and version."""
        ...


D = TypeVar("D", bound=Formatted)


def render(document: Formatted) -> bytes:
    """Return the document as it is stored."""
    return canonical.dumps(msgspec.to_builtins(document)) + b"\n"


def parse(data: bytes, kind: type[D], form: str, what: str) -> D:
    """Read a stored document of the format `form`. Raises `UserError`, naming `what` it is not."""
    try:
        document = msgspec.convert(canonical.loads(data.rstrip(b"\n"), canonical=True), kind)
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise UserError(f"the {what} cannot be used: {error}") from error
    if document.format != form:
        raise UserError(f"the {what} has format {document.format!r}")
    return document
