"""What an operator attests before a model is told it: written by a person, signed, on record."""

from collections.abc import Mapping
from typing import Final, cast

import msgspec

from emeritus.archive import Archive
from emeritus.errors import UserError
from emeritus.interview.protocol import Protocol, Published
from emeritus.interview.session import publish
from emeritus.record import Entry
from emeritus.record.events import FactsAttested

FACT_LENGTH_MAX: Final = 2000
"""Code points of one fact: it is read out to a model in a sentence or two."""


def form(protocol: Protocol) -> str:
    """Return the TOML file that an operator fills in: each question, and a place for the answer."""
    parts = [f"# What a model is told in an interview under {protocol.label}: true, and signed.\n"]
    parts += [f'# {each.question}\n{each.name} = ""\n' for each in protocol.attested]
    return "\n".join(parts)


def read(protocol: Protocol, data: bytes) -> dict[str, str]:
    """Return the facts in a filled-in form.

    Raises `UserError` when one is missing, empty, too long, or not asked for.
    """
    try:
        facts = msgspec.toml.decode(data, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(
            f"the form is no TOML, with one answer in quotation marks a line: {error}"
        ) from error
    asked = {each.name: each.question for each in protocol.attested}
    for name in facts.keys() - asked.keys():
        raise UserError(
            f"{protocol.label} asks for no fact {name!r}; it asks for {', '.join(asked)}"
        )
    missing = [name for name in asked if not facts.get(name, "").strip()]
    if missing:
        raise UserError(
            f"the form has no answer for {', '.join(missing)}: write each one between its "
            f"quotation marks; {missing[0]}: {asked[missing[0]]}"
        )
    for name in asked:
        if len(facts[name].strip()) > FACT_LENGTH_MAX:
            raise UserError(f"the fact {name!r} is longer than {FACT_LENGTH_MAX} characters")
    return {name: facts[name].strip() for name in asked}


def attest(
    archive: Archive, model: str, published: Published, facts: Mapping[str, str], key: str
) -> Entry[FactsAttested]:
    """Put the facts on record, signed with `key`, before a session tells them; return the entry."""
    publish(archive, published)
    known = attested(archive, model, published)
    if known is not None and known.event.facts == facts:
        return known
    event = FactsAttested(
        model=model,
        protocol=published.protocol.label,
        protocol_sha256=published.sha256,
        facts=dict(facts),
    )
    return cast("Entry[FactsAttested]", archive.append(event, key=key)[0])


def attested(archive: Archive, model: str, published: Published) -> Entry[FactsAttested] | None:
    """Return what was attested last about `model` under this protocol, or None."""
    entries = archive.history(model).all(FactsAttested)
    own = [entry for entry in entries if entry.event.protocol_sha256 == published.sha256]
    return own[-1] if own else None
