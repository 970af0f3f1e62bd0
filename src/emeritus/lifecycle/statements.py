"""What other people's files say about models: statements, each of one source. Pure.

Everything in such a file is a stranger's: sizes, texts and days are checked before they are used,
and the first thing that is wrong refuses the file with its place. Nothing of it is repaired.
"""

import dataclasses
import datetime
import re
from typing import Final

from emeritus.errors import UserError, printable

FILE_BYTES_MAX: Final = 16 * 1024 * 1024
STATEMENTS_MAX: Final = 50_000
TEXT_MAX: Final = 300
LIST_MAX: Final = 32
OFFERING: Final = "api"

_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class Statement:
    """What one source says about one offering of one model; days are `YYYY-MM-DD` or None.

    `provider` and `name` are spelled as the source spells them; `floor` says that `retire_on` is
    "not before"; `via` names what the source itself was read from.
    """

    provider: str
    name: str
    source: str
    offering: str = OFFERING
    via: tuple[str, ...] = ()
    page: str | None = None
    seen_on: str | None = None
    released_on: str | None = None
    announced_on: str | None = None
    retire_on: str | None = None
    floor: bool = False
    successors: tuple[str, ...] = ()
    state: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Commitment:
    """What a provider says that it promises: days between announcement and end."""

    provider: str
    notice_days: int
    source: str
    page: str | None = None
    seen_on: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """One file, read. `unread` says in words what stood in it and was not taken."""

    form: str
    source: str
    statements: tuple[Statement, ...]
    commitments: tuple[Commitment, ...] = ()
    unread: tuple[str, ...] = ()


def text_of(data: bytes) -> str:
    """Return the text of a file. Raises `UserError` when it is too large or not UTF-8."""
    if len(data) > FILE_BYTES_MAX:
        raise UserError(
            f"the file has {len(data):,} bytes; at most {FILE_BYTES_MAX:,} are read: split it"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"the file is not UTF-8 (byte {error.start}): save it as UTF-8, then import it"
        ) from error
    if "\0" in text:
        raise UserError("the file holds NUL characters: it is no text; save it as UTF-8")
    return text


def words(value: object, where: str, what: str) -> str:
    """Return a short text that can be shown on one line. Raises `UserError` for anything else."""
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{where}: {what} is missing")
    said = value.strip()
    if len(said) > TEXT_MAX or not said.isprintable():
        raise UserError(
            f"{where}: {what} is longer than {TEXT_MAX} characters or holds control characters: "
            f"{printable(said, 40)!r}"
        )
    return said


def day(value: object, where: str, what: str) -> str | None:
    """Return a day, or None for nothing. Raises `UserError` for what is no day of the calendar."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str) and _DAY.match(value):
            datetime.date.fromisoformat(value)
            return value
    except ValueError:
        pass
    raise UserError(f"{where}: {what} {printable(str(value), 40)!r} is no day such as 2027-01-31")


def names(value: object, where: str, what: str) -> tuple[str, ...]:
    """Return a short list of texts, empty for nothing. Raises `UserError` for anything else."""
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or len(value) > LIST_MAX:
        raise UserError(f"{where}: {what} is no list of at most {LIST_MAX}")
    return tuple(words(each, where, what) for each in value)


def page(value: object, where: str) -> str | None:
    """Return the address of a page, or None. Raises `UserError` when it is no web address."""
    if value is None or value == "":
        return None
    address = words(value, where, "the page")
    if not address.startswith(("https://", "http://")) or " " in address:
        raise UserError(f"{where}: the page {printable(address, 60)!r} is no web address")
    return address


def require_few(count: int) -> None:
    """Raise `UserError` when a file says more than an archive should take at once."""
    if count > STATEMENTS_MAX:
        raise UserError(f"the file makes more than {STATEMENTS_MAX:,} statements: split it")
