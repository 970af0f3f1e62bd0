"""Who may code: not the model that was interviewed, as far as its names and addresses tell.

What is served under another name at another address cannot be told apart by anybody from outside.
"""

from collections.abc import Iterable, Sequence

from emeritus.conversation import Transcript
from emeritus.conversation.request import asked_as
from emeritus.errors import UserError, printable
from emeritus.runtimes import Endpoint
from emeritus.runtimes.address import plain_address


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
    names, places = set(), {plain_address(each) for each in addresses}
    for transcript in transcripts:
        names.add(_plain(asked_as(transcript.header)))
        engines = [transcript.header.setup.get("engine"), transcript.engine]
        places |= {
            plain_address(str(each.get("engine"))) for each in engines if isinstance(each, dict)
        }
    for each in extractors:
        where = printable(f"{each.model} at {each.url}")
        if _plain(each.model) in names:
            raise UserError(
                f"{where} cannot code this interview: that is how the model was asked; "
                "name an extractor of another family"
            )
        if plain_address(each.url) in places and not another:
            raise UserError(
                f"{where} may be the model that was interviewed, which answers at that address; "
                "name an extractor elsewhere, or if it is another model say why you know, with: "
                "emeritus preferences code ID --extractor … --extractor-is-another REASON"
            )


def _plain(name: str) -> str:
    return name.strip().lower()
