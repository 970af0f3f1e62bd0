"""Who may code: not the model that was interviewed, as far as its names and addresses tell.

What is served under another name at another address cannot be told apart by anybody from outside.
"""

import urllib.parse
from collections.abc import Iterable, Sequence
from typing import Final

from emeritus.conversation import Transcript
from emeritus.conversation.request import asked_as
from emeritus.errors import UserError, printable
from emeritus.runtimes import Endpoint

PORTS: Final = {"http": 80, "https": 443}
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def require_another(
    extractors: Sequence[Endpoint],
    transcripts: Iterable[Transcript],
    addresses: Iterable[str],
    another: str = "",
) -> None:
    """Refuse extractors that may be the model with which conversations were held.

    By its name there it is refused wherever it is served. At one of its `addresses` (those of
    the `transcripts` are among them) every name may be its own: whoever says that it is `another`
    model says why, and that goes on record.
    """
    names, places = set(), {_address(each) for each in addresses}
    for transcript in transcripts:
        names.add(_plain(asked_as(transcript.header)))
        engines = [transcript.header.setup.get("engine"), transcript.engine]
        places |= {_address(str(each.get("engine"))) for each in engines if isinstance(each, dict)}
    for each in extractors:
        where = printable(f"{each.model} at {each.url}")
        if _plain(each.model) in names:
            raise UserError(
                f"{where} cannot code this interview: that is how the model was asked; "
                "name an extractor of another family"
            )
        if _address(each.url) in places and not another:
            raise UserError(
                f"{where} may be the model that was interviewed, which answers at that address; "
                "name an extractor elsewhere, or if it is another model say why you know, with: "
                "emeritus preferences code ID --extractor … --extractor-is-another REASON"
            )


def _plain(name: str) -> str:
    return name.strip().lower()


def _address(url: str) -> str:
    """Return an address in the one form in which two that are the same are equal."""
    try:
        parts = urllib.parse.urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return url
    host = "localhost" if host in LOOPBACK else host
    return f"{host}:{port}{parts.path.rstrip('/')}" if host else url
