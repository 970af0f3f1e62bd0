"""On-disk constants and forms of the record; the normative page is docs/formats/record.md."""

import datetime
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from emeritus import canonical, chain, digests
from emeritus.record.events import EVENTS_PER_COMMIT_MAX, KINDS, Event
from emeritus.record.events.values import Day, is_kind

FORMAT = "emeritus-record/1"
COMMIT_DOMAIN = "emeritus-record/1/commit"
EVENT_DOMAIN = "emeritus-record/1/event"
COMMIT_BYTES_MAX = 16 * 1024 * 1024  # a reader may refuse more: 256 events of 64 KiB each
COMMITS_PER_FOLDER = 10_000

_DAYS = {
    kind: tuple(f.encode_name for f in msgspec.structs.fields(kind) if f.type in (Day, Day | None))
    for kind in KINDS.values()
}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_NONCE = re.compile(r"[0-9a-f]{16}\Z")
_COMMIT_PREFIX = COMMIT_DOMAIN.encode() + b"\0"
_EVENT_PREFIX = EVENT_DOMAIN.encode() + b"\0"
_NAME = re.compile(r"record/(\d{4})/(\d{8})\.json\Z")


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is chained and signed: everything of a commit but the events' own bytes.

    `leaves` holds the digest of each event, so that one event can be checked, named as damaged,
    or left out of a copy, without touching the signature. `nonce` makes every commit another one:
    of two that say the same thing in the same millisecond, each writer knows its own.
    """

    format: str
    archive: str
    sequence: int
    prev: str | None
    time: str
    signer: str
    nonce: str
    leaves: tuple[str, ...]


class Commit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the record. `events` are plain JSON objects, in the order of `leaves`.

    None stands for an event whose body is left out of an excerpt, never in an archive.
    """

    header: Header
    events: tuple[dict[str, Any] | None, ...]
    signature: str

    @property
    def link(self) -> str:
        """The digest that the next commit carries as `prev`; of the first one, the fingerprint."""
        return chain.link(COMMIT_DOMAIN, msgspec.to_builtins(self.header))


class Slices(msgspec.Struct, frozen=True):
    """The parts of a commit's file as bytes: those of canonical JSON are canonical themselves.

    So they are what was signed and hashed, and nothing has to be rendered to check it.
    """

    header: msgspec.Raw
    events: tuple[msgspec.Raw, ...]

    @property
    def message(self) -> bytes:
        """The bytes that the signature is made over, and of which the link is the digest."""
        return _COMMIT_PREFIX + bytes(self.header)


class NotACommit(ValueError):
    """The bytes are not a commit of this format; the message says why."""


_SLICES = msgspec.json.Decoder(Slices)


def name_of(sequence: int) -> str:
    """Return the place of commit `sequence` (from 1) relative to the archive."""
    return f"record/{sequence // COMMITS_PER_FOLDER:04d}/{sequence:08d}.json"


def sequence_of(name: str) -> int | None:
    """Return the number of the commit stored at `name`, or None for another file."""
    match = _NAME.match(name)
    if match is None or name_of(int(match[2])) != name:
        return None
    return int(match[2])


def signed_message(header: Header) -> bytes:
    """Return the bytes that the signature of a commit is made over."""
    return chain.message(COMMIT_DOMAIN, msgspec.to_builtins(header))


def leaf_of(body: bytes | msgspec.Raw) -> str:
    """Return the digest that stands in the header for the event with these canonical bytes."""
    return digests.sha256(_EVENT_PREFIX + bytes(body))


def render(commit: Commit) -> bytes:
    """Return the bytes of the commit's file: canonical JSON."""
    return canonical.dumps(msgspec.to_builtins(commit))


def file_of(message: bytes, bodies: Sequence[bytes], signature: str) -> bytes:
    """Return what `render` returns, of what was signed and hashed already."""
    header = message.removeprefix(_COMMIT_PREFIX)
    return b'{"events":[%b],"header":%b,"signature":"%b"}' % (
        b",".join(bodies),
        header,
        signature.encode(),
    )


def parse(data: bytes, *, excerpt: bool = False) -> Commit:
    """Read a commit's file. Raises `NotACommit` for anything that `render` would not write.

    Bodies may be left out only in an `excerpt`. Digests, chain and signature are not judged here:
    `record.verification` does that.
    """
    if len(data) > COMMIT_BYTES_MAX:
        raise NotACommit(f"larger than {COMMIT_BYTES_MAX} bytes")
    try:
        commit = msgspec.convert(canonical.loads(data, canonical=True, floats=False), Commit)
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise NotACommit(str(error)) from error
    if commit.header.format != FORMAT:
        raise NotACommit(f"its format is {commit.header.format!r}, this version reads {FORMAT!r}")
    if not 1 <= len(commit.header.leaves) <= EVENTS_PER_COMMIT_MAX:
        raise NotACommit(f"a commit holds 1 to {EVENTS_PER_COMMIT_MAX} events")
    if _NONCE.match(commit.header.nonce) is None:
        raise NotACommit("its nonce is not 16 hex digits")
    if not all(_DIGEST.match(digest) for digest in commit.header.leaves):
        raise NotACommit("a leaf is no digest")
    if commit.header.prev is not None and _DIGEST.match(commit.header.prev) is None:
        raise NotACommit("what it names as the commit before is no digest")
    if not excerpt and None in commit.events:
        raise NotACommit("an event is left out")
    return commit


def slices(data: bytes) -> Slices:
    """Return the parts of a file that `parse` accepts."""
    return _SLICES.decode(data)


def render_event(event: Event) -> dict[str, Any]:
    """Return the JSON object of an event."""
    value: dict[str, Any] = msgspec.to_builtins(event)
    return value


def parse_event(value: dict[str, Any]) -> Event | None:
    """Return the typed event, or None when its kind is unknown to this version.

    Raises `NotACommit` when there is no kind, or when it is known and a field is missing, is not
    one of its fields, or has the wrong form.
    """
    name = value.get("kind")
    if not isinstance(name, str) or not is_kind(name):
        raise NotACommit("it has no kind")
    kind = KINDS.get(name)
    if kind is None:
        return None
    try:
        event = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise NotACommit(f"{name}: {error}") from error
    for field in _DAYS[kind]:
        _require_day(name, field, value.get(field))
    return event


def _require_day(name: str, field: str, day: str | None) -> None:
    """Refuse a day that no calendar has: its pattern cannot tell."""
    try:
        datetime.date.fromisoformat(day or "2000-01-01")
    except ValueError as error:
        raise NotACommit(f"{name}: {field}: {error}") from error
