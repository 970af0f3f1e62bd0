"""Makes an archive and opens one."""

import os
import secrets
from pathlib import Path

import msgspec

import emeritus
from emeritus import canonical, digests
from emeritus.archive import model_signing
from emeritus.archive.documents import write_renderings
from emeritus.archive.format_pages import describe_anew, described, put_format_pages
from emeritus.archive.handle import PRIMARY, SERVICE, STEWARD, Archive
from emeritus.archive.marks import read_mark
from emeritus.archive.object_keys import ObjectKeys
from emeritus.clock import Clock
from emeritus.errors import IntegrityError, UserError
from emeritus.record import KeyRing, Record, genesis_of
from emeritus.record import format as record_format
from emeritus.record.events import ArchiveCreated, KeyAdded, PolicyAdopted, ReplicaAdded, Role
from emeritus.record.format import Commit
from emeritus.settings import Settings
from emeritus.vault import LocalStore, Store, Vault

FORMAT = "emeritus-archive/1"
PROMISED_NOTHING = "emeritus-archive/0"
DESCRIPTION = "archive.json"
DESCRIPTION_BYTES_MAX = 64 * 1024

ROOT_KEYS_MAX = 16
PERSON = (Role.STEWARD, Role.REVIEWER, Role.APPROVER)


class Description(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `archive.json` says: enough to know the archive and to check its first commit."""

    format: str
    id: str
    created: str
    genesis: str
    hashes: tuple[str, ...] = ("sha256", "blake3")


class Founding(msgspec.Struct, frozen=True):
    """What the founder decides.

    The policy, the name of the place where the archive lies, and who may change the keys:
    `root_threshold` of `root_keys` people, of whom the steward is one.
    """

    policy_name: str
    policy_text: str
    place: str = PRIMARY
    root_keys: int = 1
    root_threshold: int = 1


def create(root: Path, founding: Founding, settings: Settings, clock: Clock) -> Archive:
    """Make an archive at `root` with a steward's and a service key, and return it open.

    Every step adds only what is missing, so a creation that was killed is finished by the next
    call. If another version began it, this one then describes its own pages and puts them in place.
    Raises `UserError` when there is an archive already, or when `root` holds other things.
    """
    if not 1 <= founding.root_threshold <= founding.root_keys <= ROOT_KEYS_MAX:
        raise UserError(
            f"{founding.root_threshold} of {founding.root_keys} root keys cannot be asked for: "
            f"there are 1 to {ROOT_KEYS_MAX}, and at most as many are needed as there are"
        )
    store = LocalStore(root)
    _require_free(root, store)
    first = record_format.name_of(1)
    if not store.exists(first):
        _write_genesis(store, founding, settings, clock)
    put_format_pages(store)
    # Last of all: a folder without it is an archive whose making was not finished.
    store.put(DESCRIPTION, render_description(store))
    archive = open_archive(root, settings, clock)
    write_renderings(archive)
    describe_anew(archive)  # nothing to do, unless another version wrote the first commit
    return archive


def render_description(store: Store) -> bytes:
    """Return what `archive.json` MUST hold: all of it follows from the first commit.

    Raises `IntegrityError` when that commit is damaged: then the description is what is left to
    know the archive by, and MUST NOT be made to agree with the damage.
    """
    return canonical.dumps(msgspec.to_builtins(description_of(genesis_of(store))))


def description_of(genesis: Commit) -> Description:
    """Return the description that follows from the first commit."""
    return Description(
        format=FORMAT,
        id=genesis.header.archive,
        created=genesis.header.time,
        genesis=genesis.link,
    )


def open_archive(root: Path, settings: Settings, clock: Clock) -> Archive:
    """Open the archive at `root`.

    Raises `UserError` when there is none, and `IntegrityError` when its description is damaged.
    """
    store = LocalStore(root)
    description = read_description(root, store)
    mark = read_mark(store)
    return Archive(
        root=root,
        id=description.id,
        genesis=description.genesis,
        replica=mark.copy if mark else PRIMARY,
        store=store,
        vault=Vault(store),
        record=Record(store, description.id, _index_of(root, settings, description.id)),
        keys=_key_ring(settings, description.id),
        object_keys=ObjectKeys(_keys_of(settings, description.id) / "objects", settings.passphrase),
        clock=clock,
        settings=settings,
    )


def reopened(archive: Archive) -> Archive:
    """Return the archive as it is now, after its description may have been repaired."""
    return open_archive(archive.root, archive.settings, archive.clock)


def read_description(root: Path, store: Store) -> Description:
    """Return what `archive.json` says. Raises as `open_archive` does."""
    if not root.is_dir():
        raise UserError(
            f"there is no archive at {root}; make one with: emeritus init {root} "
            "(or name another with --archive or EMERITUS_ARCHIVE)"
        )
    if not store.exists(DESCRIPTION):
        if store.exists(record_format.name_of(1)):
            raise UserError(
                f"the archive at {root} was not finished; finish it with: emeritus init {root}"
            )
        raise UserError(f"{root} is a folder and no archive: it has no {DESCRIPTION}")
    try:
        text = canonical.loads(store.get(DESCRIPTION, 0, DESCRIPTION_BYTES_MAX))
        description = msgspec.convert(text, Description)
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise IntegrityError(
            f"{root / DESCRIPTION} is damaged: {error} (A002); "
            "copy it from a replica, where it is the same file"
        ) from error
    if description.format != FORMAT:
        advice = "use a newer emeritus"
        if description.format == PROMISED_NOTHING:
            advice = "format 0 promised nothing, and the archive has to be made again"
        raise UserError(
            f"{root} has format {description.format!r}; this version reads {FORMAT!r}: {advice}"
        )
    return description


def require_outside(folder: Path) -> None:
    """Raise `UserError` when `folder` lies below an archive: nothing else may be written there."""
    for parent in folder.resolve().parents:
        if (parent / record_format.name_of(1)).exists():
            raise UserError(
                f"{folder} lies inside the archive at {parent}, where only the archive itself is "
                "written; name a folder outside it"
            )


def added(
    name: str, pair: tuple[str, str | None], roles: tuple[Role, ...], kinds: tuple[str, ...] = ()
) -> KeyAdded:
    """Return the event that puts both public keys of a `pair` on record."""
    return KeyAdded(key=pair[0], mldsa44=pair[1], name=name, roles=roles, kinds=kinds)


def _write_genesis(store: Store, founding: Founding, settings: Settings, clock: Clock) -> None:
    archive_id = secrets.token_hex(16)
    keys = _key_ring(settings, archive_id)
    roles: dict[str, tuple[Role, ...]] = {STEWARD: (Role.ROOT, *PERSON), SERVICE: (Role.SERVICE,)}
    for number in range(2, founding.root_keys + 1):
        roles[f"root-{number}"] = (Role.ROOT,)
    signers = {name: keys.create(name) for name in roles}
    bundles = model_signing.offered(keys, model_signing.NAME)
    events = [
        ArchiveCreated(
            archive=archive_id,
            software=f"emeritus {emeritus.__version__}",
            root_threshold=founding.root_threshold,
        ),
        *(added(name, (each.key, each.mldsa44), roles[name]) for name, each in signers.items()),
        KeyAdded(key=bundles, name=model_signing.NAME, roles=()),
        PolicyAdopted(
            name=founding.policy_name,
            text=founding.policy_text,
            sha256=digests.sha256(founding.policy_text.encode()),
        ),
        ReplicaAdded(replica=PRIMARY, place=founding.place),
        described(),
    ]
    Record(store, archive_id).append(events, signers[STEWARD], clock)


def _require_free(root: Path, store: LocalStore) -> None:
    require_outside(root)
    if store.exists(DESCRIPTION):
        raise UserError(f"there is an archive at {root} already; nothing was changed")
    if root.exists() and not root.is_dir():
        raise UserError(f"{root} is a file; name a folder for the archive")
    started = store.exists(record_format.name_of(1))
    if not started and not store.is_vacant():
        raise UserError(f"{root} is not empty; name a new folder for the archive")


def _index_of(root: Path, settings: Settings, archive_id: str) -> Path:
    """Return where the index of this copy lies: two copies may be of different age."""
    copy = digests.sha256(os.fsencode(root.resolve()))[-16:]
    return settings.cache / "records" / f"{archive_id}-{copy}.sqlite"


def _key_ring(settings: Settings, archive_id: str) -> KeyRing:
    return KeyRing(_keys_of(settings, archive_id), settings.passphrase)


def _keys_of(settings: Settings, archive_id: str) -> Path:
    return settings.config / "keys" / archive_id
