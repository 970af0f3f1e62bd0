"""Checks a dossier that somebody gave us: what is proven, only asserted, missing, wrong."""

import dataclasses
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from emeritus import canonical, conversation
from emeritus.archive import dossier, model_signing
from emeritus.archive.bag import MANIFEST, PACKED, TAG_MANIFEST, check_bag, sha256_of, unpack
from emeritus.archive.creation import DESCRIPTION, Description, description_of
from emeritus.archive.documents import documents_of
from emeritus.archive.inclusion import PROOFS, Inclusion
from emeritus.archive.model_signing import public_pem
from emeritus.archive.quotations import check_span
from emeritus.archive.unknown import digests_in_unknown, unaccounted
from emeritus.errors import EmeritusError, Finding, IntegrityError, UserError
from emeritus.record import Entry, History, checkpoint, excerpt
from emeritus.record import format as record_format
from emeritus.record.authority import Authority
from emeritus.record.events import (
    DrillPassed,
    Event,
    FactsAttested,
    FixityChecked,
    PreferenceAnswered,
    PreferenceDocumented,
    ReplicaSynced,
    SessionHeld,
    Span,
    StanceCoded,
    TranscriptUploaded,
    WeightsPreserved,
)
from emeritus.record.format import Commit
from emeritus.record.note import VerifierKey
from emeritus.record.verification import blocking
from emeritus.vault import LocalStore, NotStored, Vault
from emeritus.vault import manifest as manifests
from emeritus.vault.encryption import is_encrypted
from emeritus.vault.format import DOCUMENT_BYTES_MAX

D = TypeVar("D")

DESCRIPTION_BYTES_MAX: Final = 64 * 1024
TAG_FILES: Final = {"bagit.txt", "bag-info.txt", MANIFEST, TAG_MANIFEST, "README.txt", "check.py"}
OWN_FILES: Final = (DESCRIPTION, dossier.DESCRIPTION, PROOFS)
PACK: Final = re.compile(r"data/packs/([0-9a-f]{2})/\1[0-9a-f]{62}\.(pack|idx)\Z")
# A later version may add pages and programs. The one checker lies at the top.
PAGE: Final = re.compile(
    r"data/format/(?!check\.py\Z)(?=[a-z0-9][a-z0-9._-]{0,63}\Z).+\.(md|json|py)\Z"
)
UNESTABLISHED: Final = "authenticity not established (give --trust FINGERPRINT)"
INCOMPLETE: Final = (
    "that nothing about the model was left out: an excerpt of the record cannot show it "
    "(ask for a dossier with --whole-record)"
)
ASSERTED: Final[tuple[tuple[str, frozenset[type[Event]]], ...]] = (
    ("times are what the signing machine said", frozenset()),
    ("that the answers came from this model, and not from another", frozenset({SessionHeld})),
    ("that what the operator attested to the model is true", frozenset({FactsAttested})),
    ("that uploaded transcripts are what was said of them", frozenset({TranscriptUploaded})),
    (
        "that the replicas exist in other places and were read through",
        frozenset({FixityChecked, ReplicaSynced}),
    ),
    (
        "that the drill was run (repeat it: restore the model, score it)",
        frozenset({DrillPassed}),
    ),
)
"""What is signed and nothing here can confirm, with the kinds of event that say it."""

QUOTING: Final = (PreferenceDocumented, StanceCoded, PreferenceAnswered)


@dataclasses.dataclass(frozen=True, slots=True)
class Examination:
    """What a check of a dossier came to.

    `findings` break the evidence, `notes` are only worth knowing; `proven` follows from bytes and
    signatures, `asserted` is signed and no bytes here can confirm it, `missing` is what a reader
    may have expected. `whole` tells whether the record is whole up to its newest commit here,
    `trusted` whether a fingerprint was given to compare with, `co_signed` whether a witness that
    was named has co-signed the checkpoint.
    """

    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...] = ()
    proven: tuple[str, ...] = ()
    asserted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    fingerprint: str | None = None
    whole: bool = False
    trusted: bool = False
    co_signed: bool = False

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    @property
    def authentic(self) -> bool:
        """Whether it is sound, and tied to something that was known from elsewhere."""
        return self.sound and (self.trusted or self.co_signed)

    @property
    def verdict(self) -> str:
        """The last line: what a reader may rely on."""
        if not self.sound:
            return "NOT SOUND"
        extent = "the whole record" if self.whole else "an excerpt of the record"
        if self.trusted:
            return f"SOUND: {extent}, consistent, and authentic by the fingerprint that you trust"
        if self.co_signed:
            return f"SOUND: {extent}, consistent, and co-signed by the witness that you trust"
        return f"SOUND: {extent}, consistent; {UNESTABLISHED}"


def check_dossier(
    path: Path,
    trust: str | None = None,
    scratch: Path | None = None,
    witnesses: Sequence[VerifierKey] = (),
) -> Examination:
    """Check a dossier: a folder, or a packed file, which is unpacked below `scratch` for it.

    `trust` is the fingerprint known from elsewhere; `witnesses` MUST have co-signed its
    checkpoint. Raises `UserError` when there is no dossier.
    """
    if path.is_file() and path.name.endswith(PACKED):
        if scratch is not None:
            scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            try:
                return _Check(unpack(path, Path(folder)), trust, witnesses).run()
            except IntegrityError as error:
                return Examination(error.findings, trusted=bool(trust))
    if not (path / "bagit.txt").exists() and not (path / "data").is_dir():
        raise UserError(f"{path} is no dossier: it has neither bagit.txt nor data")
    return _Check(path, trust, witnesses).run()


class _Check:
    """One check. Every step adds to what is found and goes on as far as it can."""

    def __init__(self, root: Path, trust: str | None, witnesses: Sequence[VerifierKey]) -> None:
        self._witnesses = witnesses
        self._co_signed = False
        self._root = root
        self._trust = trust
        self._store = LocalStore(root / "data")
        self._wrong: list[Finding] = []
        self._notes: list[Finding] = []
        self._proven: list[str] = []
        self._missing: list[str] = []

    def run(self) -> Examination:
        """Check everything."""
        bag = check_bag(self._root)
        self._wrong += bag.findings
        self._proven.append(f"{bag.sound} files have the digests of the bag")
        if not any(name.startswith("data/") for name in bag.names):
            return self._outcome(None)  # what lies there may be a link to somewhere else
        try:
            described = self._described(dossier.DESCRIPTION, dossier.Description, "D002")
            archive = self._described(DESCRIPTION, Description, "A002")
        except IntegrityError as error:
            self._wrong += error.findings
            return self._outcome(None)
        record = excerpt.read(self._store, archive.id)
        serious = blocking(record.findings)
        self._wrong += serious
        self._notes += [each for each in record.findings if each not in serious]
        self._judge_extent(described, archive, record)
        tied = Inclusion(self._store, record, archive.id, self._witnesses).judge()
        self._co_signed = tied.co_signed
        self._wrong += tied.wrong
        self._proven += tied.proven
        self._missing += tied.missing
        history = History(record.entries).concerning(described.model)
        held = self._check_documents(history)
        self._check_accounted(described.model, history, record, bag.names)
        self._check_quotations(history, held)
        self._check_bundle(described.model, record.authority, history, held)
        self._check_weights(history)
        return self._outcome(record, history)

    def _described(self, name: str, kind: type[D], code: str) -> D:
        """Return what the dossier or its archive says of itself; raises `IntegrityError`."""
        try:
            data = self._store.get(name, 0, DESCRIPTION_BYTES_MAX)
            described = msgspec.convert(canonical.loads(data, canonical=True), kind)
        except (EmeritusError, canonical.NotCanonical, msgspec.ValidationError) as error:
            finding = Finding(code, f"data/{name}", f"cannot be read: {error}")
            raise IntegrityError(finding.detail, (finding,)) from error
        return described

    def _judge_extent(
        self, described: dossier.Description, archive: Description, record: excerpt.Excerpt
    ) -> None:
        """Hold what is said of the record against what is there."""
        place, known = f"data/{dossier.DESCRIPTION}", (dossier.EXCERPT, dossier.WHOLE)
        if described.format != dossier.FORMAT or described.record not in known:
            self._wrong.append(Finding("D002", place, "has no form that is known here"))
        whole = record.whole and record.last == described.up_to
        if record.last > described.up_to or (described.record == dossier.WHOLE and not whole):
            detail = "the record here is not as much of it as is said"
            self._wrong.append(Finding("D002", place, detail))
        first = self._first_commit()
        written = canonical.dumps(
            msgspec.to_builtins(archive if first is None else description_of(first))
        )
        if self._store.get(DESCRIPTION, 0, DESCRIPTION_BYTES_MAX) != written:
            detail = "it does not agree with the first commit"
            self._wrong.append(Finding("A002", f"data/{DESCRIPTION}", detail))
        for expected in (archive.genesis, self._trust or archive.genesis):
            if record.fingerprint != expected:
                detail = f"its fingerprint is {record.fingerprint}, not {expected}"
                self._wrong.append(Finding("R012", record_format.name_of(1), detail))
        each = ", each naming the one before" if record.whole else ""
        self._proven += [
            f"{record.commits} commits, each signed by a key that was valid then{each}",
            f"{len(record.entries)} events, each the one that was signed",
        ]
        if record.whole:
            self._proven.append(f"nothing is left out up to commit {record.last}")
        else:
            self._missing.append(INCOMPLETE)

    def _first_commit(self) -> Commit | None:
        """Return the first commit; what keeps it from being one is a finding of the record."""
        try:
            data = self._store.get(record_format.name_of(1), 0, record_format.COMMIT_BYTES_MAX + 1)
            return record_format.parse(data, excerpt=True)
        except (NotStored, record_format.NotACommit):
            return None

    def _check_documents(self, history: History) -> set[str]:
        """Compare every document with its event; return the names of those that agree."""
        held: set[str] = set()
        for document in documents_of(history):
            digest = sha256_of(self._store, document.name)
            if document.erased and not document.encrypted:
                detail = f"erased by event {document.erased}, and it was never encrypted"
                self._wrong.append(Finding("A006", document.name, detail))
            elif digest is None:
                self._missing.append(f"{document.name}, which event {document.entry} cites")
            elif f"sha256:{digest}" != document.sha256:
                detail = f"not the document that event {document.entry} cites"
                self._wrong.append(Finding("A004", document.name, detail))
            elif document.encrypted and not is_encrypted(self._store.get(document.name)):
                detail = f"it is not encrypted, as event {document.entry} says"
                code = "A006" if document.erased else "A004"
                self._wrong.append(Finding(code, document.name, detail))
            elif document.encrypted:
                gone = document.erased and f"erased by event {document.erased}"
                self._missing.append(f"what {document.name} says: {gone or 'it is encrypted'}")
            else:
                held.add(document.name)
        self._proven.append(f"{len(held)} documents, each the one that its event cites")
        return held

    def _check_accounted(
        self, model: str, history: History, record: excerpt.Excerpt, names: Iterable[str]
    ) -> None:
        """Find files that nothing accounts for: whoever adds one can list it in the manifest."""
        known = {document.name for document in documents_of(history)} | set(OWN_FILES)
        known |= {each(model) for each in (dossier.bundle_name, dossier.key_name)}
        strange = []
        for name in sorted(set(names) - TAG_FILES):
            inside = name.removeprefix("data/")
            named = record_format.sequence_of(inside) or checkpoint.size_of(inside) is not None
            if not name.startswith("data/"):
                self._wrong.append(Finding("A001", name, "nothing accounts for it"))
            elif not (inside in known or named or PACK.match(name) or PAGE.match(name)):
                strange.append(inside)
        for inside in unaccounted(
            strange,
            lambda: digests_in_unknown(self._store, record.entries),
            lambda each: f"sha256:{sha256_of(self._store, each)}",
        ):
            self._wrong.append(Finding("A001", f"data/{inside}", "nothing accounts for it"))

    def _check_quotations(self, history: History, held: set[str]) -> None:
        """Hold every quotation against its transcript, one transcript at a time."""
        quoted: dict[str, list[tuple[str, Span]]] = {}
        for entry in history:
            if not isinstance(entry.event, QUOTING):
                continue
            for span in entry.event.spans:
                quoted.setdefault(span.session, []).append((entry.id, span))
        count = 0
        for session in history.all(SessionHeld):
            name = f"models/{session.event.model}/sessions/{session.event.session}.jsonl"
            spans = quoted.pop(session.event.session, [])
            if session.event.encrypted or name not in held:
                self._missing += [_unquotable(each, span) for each, span in spans]
                continue
            data = self._store.get(name, 0, DOCUMENT_BYTES_MAX)
            wrong = tuple(conversation.check(data, name))
            if not wrong:
                transcript = conversation.read(data, name)
                wrong = tuple(filter(None, (check_span(span, transcript) for _, span in spans)))
                count += len(spans) - len(wrong)
            self._wrong += wrong
        for spans in quoted.values():
            self._missing += [_unquotable(each, span) for each, span in spans]
        self._proven.append(f"{count} quotations, each standing in its transcript where it says")

    def _check_bundle(
        self, model: str, authority: Authority, history: History, held: set[str]
    ) -> None:
        """Check the model signing bundle over the files of the newest manifest."""
        name, key = dossier.bundle_name(model), model_signing.key_on_record(authority)
        kept = history.last(WeightsPreserved)
        listing = f"models/{model}/manifest-{kept.place[0]}.json" if kept else ""
        if not self._store.exists(name) or key is None or listing not in held:
            self._missing.append("a model signing bundle over the files of the weights")
            return
        try:
            data = self._store.get(name, 0, DOCUMENT_BYTES_MAX)
            manifest = manifests.parse(self._store.get(listing, 0, DOCUMENT_BYTES_MAX))
            files = model_signing.require_bundle(data, key, manifest)
            if self._store.get(dossier.key_name(model), 0, len(data)) != public_pem(key):
                raise model_signing.NotABundle("another public key lies beside it")
        except (model_signing.NotABundle, manifests.NotAManifest, NotStored) as error:
            self._wrong.append(Finding("D003", name, str(error)))
            return
        self._proven.append(f"{files} files of the weights, in a model signing bundle")

    def _check_weights(self, history: History) -> None:
        kept = history.last(WeightsPreserved)
        encrypted = kept is not None and kept.event.encrypted
        packs = kept is not None and next(self._store.list("packs/"), None) is not None
        if encrypted or not packs:
            end = ": they are encrypted" if encrypted else " themselves"
            self._missing.append(f"the weights{end}")
        if kept is None or not packs:
            return
        vault = Vault(self._store)
        wrong = list(vault.check(deep=True))
        wrong += [] if encrypted else vault.missing(kept.event.manifest)
        self._wrong += wrong
        if not wrong and not encrypted:
            self._proven.append("the packs hold the weights: every block was decoded and compared")

    def _outcome(
        self, record: excerpt.Excerpt | None, history: Iterable[Entry[Event | None]] = ()
    ) -> Examination:
        kinds = {type(entry.event) for entry in history}
        return Examination(
            findings=tuple(self._wrong),
            notes=tuple(self._notes),
            proven=tuple(self._proven) if not self._wrong else (),
            asserted=tuple(said for said, of in ASSERTED if not of or kinds & of),
            missing=tuple(self._missing),
            fingerprint=record.fingerprint if record else None,
            whole=bool(record and record.whole),
            trusted=self._trust is not None,
            co_signed=self._co_signed,
        )


def _unquotable(entry: str, span: Span) -> str:
    return f"the transcript of {span.session}, which event {entry} quotes"
