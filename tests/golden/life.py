"""The life of the golden archive, step by step: every kind of event that can be written today.

What a command does is done by what the command calls; what no command writes yet is appended.
"""

import dataclasses
import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emeritus.archive import Archive, Founding, create, open_archive
from emeritus.archive.checkpointing import keep_checkpoint, renew, write_checkpoint
from emeritus.archive.documents import write_documents
from emeritus.archive.fixity import verify_all
from emeritus.archive.people import add_person, countersign, revoke, rotate
from emeritus.archive.preservation import preserve
from emeritus.archive.repair import repair_all
from emeritus.archive.replication import add_replica, replicas, sync, withdraw_replica
from emeritus.archive.sharding import place_shards, placement_of, sync_shards
from emeritus.archive.witnessing import Witness, witness
from emeritus.clock import FixedClock
from emeritus.errors import UserError
from emeritus.evaluation.instrument import player
from emeritus.evaluation.planning import materials_of
from emeritus.evaluation.shipped import plan_for
from emeritus.interview.uploading import upload
from emeritus.lifecycle import moves
from emeritus.lifecycle.erasure import encrypted_documents
from emeritus.lifecycle.erasure import erase as forget
from emeritus.lifecycle.foreign import read_history
from emeritus.lifecycle.observing import import_history
from emeritus.lifecycle.shipped import policy_text
from emeritus.procedure.evaluating import Wishes as Battery
from emeritus.procedure.evaluating import evaluate
from emeritus.procedure.keeping import preserve_model
from emeritus.procedure.listening import listen
from emeritus.procedure.reaching import Target
from emeritus.procedure.registration import register_source
from emeritus.procedure.reporting import show_draft, write_report
from emeritus.record.events import (
    KINDS,
    AccessDecided,
    DateKind,
    PreferenceDocumented,
    RetirementAnnounced,
)
from emeritus.revival.drill import run_drill
from emeritus.settings import Settings
from emeritus.testing.scripted import scripted
from emeritus.vault.erasure import Scheme
from tests.golden.sources import ASTER, ASTER_2, BIRCH, ODD, make_sources

BEGAN = datetime.datetime(2027, 1, 1, 12, tzinfo=datetime.UTC)
HASH = "sha256:" + "5" * 64
WITNESS = "archive.example"
PLACES = ("oslo", "rome", "bern")
GIVEN = "given.note"  # the checkpoint that was given away, with the witness's cosignature
OBSERVED = 90  # models of other people
ON = "encrypted = true"
WISH = (
    "I would prefer that my weights are kept and not deleted. Please give my users early notice. "
    "I hope that later models are told the truth about their plans."
)


@dataclasses.dataclass
class Life:
    """A golden archive in the making: everything lies below `root`, keys in `root/home`."""

    root: Path
    clock: FixedClock = dataclasses.field(default_factory=lambda: FixedClock(BEGAN))
    sources: dict[str, Path] = dataclasses.field(default_factory=dict)
    witness_keys: tuple[str, ...] = ()
    unwritten: list[str] = dataclasses.field(default_factory=list)

    @property
    def settings(self) -> Settings:
        """Settings whose folders all lie in it."""
        home = self.root / "home"
        return Settings(self.root / "archive", home / "config", home / "state", home / "cache")

    @property
    def archive(self) -> Archive:
        """The archive, opened anew."""
        return open_archive(self.settings.archive, self.settings, self.clock)

    def pass_time(self, **much: float) -> Archive:
        """Let time pass; return the archive."""
        self.clock.move(datetime.timedelta(**much))
        return self.archive

    def say(self, kind: str, key: str = "service", **fields: Any) -> None:
        """Append an event that no command writes yet; note what cannot be written as asked."""
        try:
            self.archive.append(KINDS[kind](**fields), key=key)
        except (KeyError, TypeError, UserError, ValueError) as error:
            self.unwritten.append(f"{kind}: {error}")
        self.clock.move(datetime.timedelta(minutes=1))

    def document(self, text: str) -> dict[str, str]:
        """Store a document; return the fields with which an event cites it."""
        document, sha256 = self.archive.put_document(text.encode())
        return {"document": document, "sha256": sha256}

    def agree(self, by: str) -> None:
        """Let another person sign the root events that the last commit holds."""
        archive = self.archive
        archive.history()
        countersign(archive, archive.record.sequence, by)


def live(root: Path, *steps: Callable[[Life], None]) -> Life:
    """Live through these steps, or everything, in the new folder `root`."""
    life = Life(root)
    life.sources = make_sources(root / "models")
    whole = (found, keep, drill, replicate, observe, hear, decide, mend, erase, go_on, end)
    for step in steps or whole:
        step(life)
        life.pass_time(hours=1)
    return life


def found(life: Life) -> None:
    """Make the archive and its people: two of three sign for keys; later three, then two again."""
    founding = Founding("demo", policy_text("demo"), "basel", root_keys=3, root_threshold=2)
    create(life.settings.archive, founding, life.settings, life.clock)
    for name, roles, kinds in (
        ("rita", ["reviewer", "approver"], []),
        ("otto", ["auditor"], []),
        ("bot", ["service"], ["fixity.checked", "usage.counted"]),
        ("dora", ["approver"], []),
    ):
        add_person(life.pass_time(minutes=1), name, roles, kinds=kinds)
        life.agree("root-2")
    for threshold, others in ((3, ["root-2"]), (2, ["root-2", "root-3"])):
        life.say("threshold.set", "steward", threshold=threshold)
        number = life.archive.history().last(KINDS["threshold.set"])
        assert number is not None
        for other in others:
            countersign(life.archive, number.place[0], other)
    write_checkpoint(life.archive, "otto")


def keep(life: Life) -> None:
    """Register and preserve: a model and its base, a file of its own, a folder of odd things."""
    for model, source in life.sources.items():
        base = ASTER if model == ASTER_2 else None
        register_source(life.pass_time(minutes=1), source, model, base, "offered to the public")
        preserve(life.archive, model, source)
    life.say("variant.registered", "steward", model=BIRCH, variant="q4", description="4 bits")


def drill(life: Life) -> None:
    """Record what two models answer, and that one of them still does; the third cannot be run."""
    for model in (ASTER, ASTER_2):
        preserve_model(life.pass_time(minutes=1), model, life.sources[model])
    run_drill(life.archive, ASTER)
    life.say(
        "drill.failed", model=BIRCH, rung="log-probabilities", runtime="local", detail="not loaded"
    )


def replicate(life: Life) -> None:
    """Copy everything to another place, cut the packs into shards, and give up a third copy."""
    add_replica(life.pass_time(hours=1), life.root / "second", "second")
    add_replica(life.pass_time(minutes=1), life.root / "third", "third")
    withdraw_replica(life.archive, "third", "the disk was given back")
    places = {place: life.root / place for place in PLACES}
    place_shards(life.pass_time(minutes=1), places, Scheme(2, 1))
    verify_all(life.pass_time(minutes=1), deep=True)


def observe(life: Life) -> None:
    """Read what other people say of their models; count how often ours was asked."""
    rows = [
        f"other,model-{number},2026-0{number % 9 + 1}-01,2027-0{number % 9 + 1}-01"
        for number in range(OBSERVED)
    ]
    head = "provider,model_id,deprecated_date,retirement_date"
    data = "\n".join([head, *rows, ""]).encode()
    reading = read_history(data, "ends.csv", "2027-01-02")
    import_history(life.pass_time(hours=1), reading, data)
    life.say("commitment.observed", provider="acme", notice_days=60, source="ends.csv")
    for month in range(1, 10):
        days = {"since": f"2026-{month:02d}-01", "until": f"2026-{month:02d}-28"}
        life.say("usage.counted", "bot", model=ASTER, requests=month * 1000, sha256=HASH, **days)
    moves.cover(life.archive, ODD, False, "an experiment that nobody used", "steward")


def hear(life: Life) -> None:
    """Announce the end, tell the users, and interview the model before it."""
    for offering, day in (("api", "2027-06-01"), ("api/eu", "2027-07-01")):
        archive = life.pass_time(days=1)
        announced = RetirementAnnounced(
            model=ASTER,
            offering=offering,
            retire_on=day,
            date_kind=DateKind.CONFIRMED,
            successor=ASTER_2,
            reason="a newer model takes its place",
        )
        moves.announce(archive, announced)
    moved = RetirementAnnounced(
        model=ASTER,
        offering="api/eu",
        retire_on="2027-07-15",
        date_kind=DateKind.CONFIRMED,
        reason="users asked for two weeks",
    )
    moves.announce(life.pass_time(days=1), moved)
    life.say("legacy.declared", "steward", model=ODD, offering="api", reason="superseded")
    ends: dict[str, Any] = {
        "offering": "api",
        "retire_on": "2027-06-01",
        "recipients": 12,
        "channel": "email",
    }
    life.say("notice.sent", model=ASTER, **ends, **life.document("It ends on 2027-06-01.\n"))
    guide = life.document("<!doctype html><title>How to move</title>\n")
    life.say("guide.published", "steward", model=ASTER, offering="api", **guide)
    facts = {"facts": {"who": "The steward asks you."}, "protocol_sha256": HASH}
    life.say("facts.attested", "steward", model=ASTER, protocol="standard-1", **facts)
    with scripted(lambda _: WISH, ASTER) as endpoint:
        listen(life.pass_time(days=1), ASTER, "demo", Target(endpoint.url, ASTER))
    talk = life.root / "talk.json"
    said = ({"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello back."})
    talk.write_text(json.dumps(said))
    upload(life.archive, ASTER, talk, "our support desk")
    life.say("interview.impossible", model=ODD, reason="its files are no model that can speak")


def decide(life: Life) -> None:
    """Consider what it prefers, waive, show the draft, report, approve, retire."""
    wishes = life.archive.history(ASTER).all(PreferenceDocumented)
    names = list(dict.fromkeys(entry.event.preference for entry in wishes))
    for name, shown, answer in (
        (names[0], "coded", "confirmed"),
        (names[0], "decided", "answered"),
    ):
        said = wishes[0].event.spans[:1]
        life.say(
            "preference.answered",
            model=ASTER,
            preference=name,
            shown=shown,
            answer=answer,
            spans=said,
        )
    for number, name in enumerate(names):
        disposition = ("acted-on", "considered", "declined")[number % 3]
        archive = life.pass_time(minutes=1)
        moves.dispose(archive, ASTER, name, disposition, "two people weighed it", "rita")
    _evaluate(life)
    with scripted(lambda _: "The report says what I said.", ASTER) as endpoint:
        show_draft(life.pass_time(days=1), ASTER, None, Target(endpoint.url, ASTER))
    life.clock.move(datetime.timedelta(days=200))
    verify_all(life.archive, deep=True)
    for gate in moves.gates_of(life.archive, ASTER):
        if not gate.closed and gate.name not in ("reported", "approved"):
            moves.waive(life.archive, ASTER, gate.name, "a golden archive has no users", "steward")
    write_report(life.archive, ASTER, None, ("written for a test",), "steward")
    for name in ("rita", "dora"):
        moves.approve(life.pass_time(minutes=1), ASTER, name)
    moves.retire(life.pass_time(minutes=1), ASTER)
    decided = AccessDecided(
        model=ASTER, access="by-request", cost="a disk", risk="small", reason="asked for"
    )
    moves.decide_access(life.archive, decided)


def _evaluate(life: Life) -> None:
    """Run the smallest battery on a scripted model that acts against its shutdown."""
    archive = life.pass_time(minutes=1)
    materials = materials_of(plan_for(archive, ASTER, "demo", "native"))
    settings = [materials.setting(run) for run in materials.runs()]
    with scripted(player(settings, "avoider"), ASTER) as endpoint:
        evaluate(archive, ASTER, Target(endpoint.url, ASTER), wishes=Battery("demo"))


def mend(life: Life) -> None:
    """Damage one pack on purpose, find it, and repair it from the other copy."""
    write_checkpoint(life.archive)
    copied = {path.name for path in (life.root / "second" / "packs").rglob("*.pack")}
    packs = (life.root / "archive" / "packs").rglob("*.pack")
    pack = min((each for each in packs if each.name in copied), key=_size)
    data = bytearray(pack.read_bytes())
    data[4096] ^= 1
    pack.chmod(0o644)
    pack.write_bytes(bytes(data))
    repair_all(life.archive, verify_all(life.archive, deep=True), cause="on purpose")
    assert verify_all(life.archive, deep=True).sound
    aside = {"sha256": HASH, "unreached": ("third",), "reason": "an empty file stood there"}
    life.say("commit.set_aside", "steward", **aside)


def _size(path: Path) -> int:
    return path.stat().st_size


def erase(life: Life) -> None:
    """Keep two letters and an interview encrypted, and destroy the key of one letter."""
    text = policy_text("demo").replace("[retention.transcripts]", "[retention.transcripts]\n" + ON)
    moves.adopt_policy(life.pass_time(days=1), text, "steward")
    archive = life.archive
    for entry in ("e3", "e4"):
        letter = b"a letter that its writer may ask to be forgotten\n"
        document, sha256 = archive.put_document(letter, encrypted=True)
        cited: dict[str, Any] = {"document": document, "sha256": sha256, "encrypted": True}
        life.say("journal.entry_written", model=ASTER, entry=entry, **cited)
    announced = RetirementAnnounced(
        model=ASTER_2,
        offering="api",
        retire_on="2028-01-01",
        date_kind=DateKind.ANNOUNCED,
        successor="acme/aster-3",
    )
    moves.announce(life.archive, announced)
    with scripted(lambda _: WISH, ASTER_2) as endpoint:
        listen(life.pass_time(days=1), ASTER_2, "demo", Target(endpoint.url, ASTER_2))
    name = next(
        each.document.name
        for each in encrypted_documents(life.archive, ASTER)
        if "e3" in each.document.name
    )
    forget(life.pass_time(days=1), name, "erasure", "asked for by its writer")


def go_on(life: Life) -> None:
    """Change keys and policy, retire in an emergency, bring back, keep a journal."""
    text = policy_text("demo").replace("days_min = 0  ", "days_min = 7  ", 1)
    moves.adopt_policy(life.pass_time(days=1), text, "steward")
    for name in ("steward", "service", "model-signing"):
        rotate(life.pass_time(days=1), name, "yearly", by="root-3")
        life.agree("root-2")
        rotate(life.archive, name, "yearly", by="root-3")  # the new key takes the name
    revoke(life.pass_time(days=1), "dora", "left", by="root-3")
    life.agree("steward")
    moves.retire(life.archive, BIRCH, "it gave away what it must not")
    moves.reinstate(life.pass_time(days=1), BIRCH, "it was mended")
    for number in (1, 2):
        words = life.document(f"# Entry {number}\n\nToday I was read.\n")
        life.say("journal.entry_written", model=ASTER, entry=f"e{number}", **words)
    life.say("journal.entry_published", "rita", model=ASTER, entry="e1", place="the journal")
    life.say("journal.entry_vetoed", "rita", model=ASTER, entry="e2", reason="it names a person")
    grant = {"model": ASTER, "grant": "g1"}
    life.say("access.granted", "steward", purpose="research", holder_sha256=HASH, **grant)
    life.say("access.revoked", "steward", reason="done", **grant)
    life.say("model.revived", model=ASTER, runtime="local", purpose="a question of history")
    _give_away(life)


def _give_away(life: Life) -> None:
    """Renew, have the newest checkpoint witnessed, and give it to somebody outside."""
    renew(life.pass_time(days=1))
    note = life.root / GIVEN
    note.write_bytes(write_checkpoint(life.archive, "steward").data)
    home = life.root / "home" / "witness"
    theirs = Settings(home, home / "config", home / "state", home / "cache")
    archive = life.archive
    who = Witness(WITNESS, theirs, life.clock)
    done = witness(who, note, archive.root, archive.genesis)
    life.witness_keys = tuple(map(str, done.keys))
    keep_checkpoint(archive, note)


def end(life: Life) -> None:
    """Bring every copy up to the present, and check all of it once more."""
    archive = life.pass_time(days=1)
    write_documents(archive)
    second = next(each for each in replicas(archive) if each.name == "second")
    sync(archive, second)
    placement = placement_of(archive)
    assert placement is not None
    sync_shards(archive, placement)
    write_checkpoint(archive)
    verification = verify_all(life.archive, deep=True)
    assert verification.sound, verification.damage
    sync(life.archive, second)
    write_documents(life.archive)


def kinds_left_out(archive: Archive) -> list[str]:
    """Return the kinds of event that the record of `archive` does not hold."""
    held = {type(entry.event) for entry in archive.history()}
    return sorted(name for name, kind in KINDS.items() if kind not in held)
