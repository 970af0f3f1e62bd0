"""The forms that values in events have, beside text and true or false."""

import re
from typing import Annotated, Literal

import msgspec

END = r"(?!\n)$"
"""The end of a pattern. In Python `$` alone also matches before a last line feed."""


def _form(name: str, pattern: str) -> msgspec.Meta:
    return msgspec.Meta(title=name, pattern=f"^{pattern}{END}")


_PART = "[a-z0-9][a-z0-9._-]{0,63}"
_KIND = "[a-z_]+[.][a-z_]+"

Count = Annotated[int, msgspec.Meta(ge=0)]
"""An integer from 0 on."""

Positive = Annotated[int, msgspec.Meta(title="positive", ge=1)]
"""An integer from 1 on."""

Digest = Annotated[str, _form("digest", "sha256:[0-9a-f]{64}")]
ObjectId = Annotated[str, _form("object", "blake3:[0-9a-f]{64}")]
ArchiveId = Annotated[str, _form("archive", "[0-9a-f]{32}")]
Key = Annotated[str, _form("key", "(ed25519:[0-9a-f]{64}|p256:0[23][0-9a-f]{64})")]
SecondKey = Annotated[str, _form("mldsa44", "mldsa44:[0-9a-f]{2624}")]
Kind = Annotated[str, _form("kind", _KIND)]
Access = Annotated[str, _form("access", "(none|by-request|public)")]
Shown = Annotated[str, _form("shown", "(coded|decided)")]
Answer = Annotated[str, _form("answer", "(confirmed|amended|withdrawn|unclear|answered)")]
FindingCode = Annotated[str, _form("code", "[A-Z][0-9]{3}")]

Day = Annotated[str, _form("day", "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")]
Measured = Annotated[str, _form("measured", "[0-9]+([.][0-9]+)?(e[+-][0-9]+)?")]

Artefact = Literal["weights", "run-set", "transcripts", "letters", "usage"]
"""What a policy's retention schedule tells apart."""

Name = Annotated[str, _form("name", "[a-z0-9][a-z0-9._-]{0,127}")]
"""What a session, a protocol or an entry of a journal is called: files are named after them."""

PageName = Annotated[str, _form("page", f"(README[.]txt|format/{_PART})")]
"""Where a page or a program of the format lies in an archive."""

Id = Annotated[str, _form("id", f"{_PART}(/{_PART}){{0,3}}")]
"""What a model or an offering is called, such as `acme/aster-1`."""


def is_kind(text: str) -> bool:
    """Tell whether text has the form of a kind, known here or not."""
    return re.fullmatch(_KIND, text) is not None
