"""What a model is told in an interview: what the record holds, and what the operator attested."""

from typing import Final

from emeritus.archive import Archive
from emeritus.interview.attesting import attested
from emeritus.interview.earlier import earlier
from emeritus.interview.protocol import EARLIER, Published, facts_in
from emeritus.lifecycle.moves import state_of
from emeritus.record.events import WeightsPreserved
from emeritus.record.replicas import standing_replicas

NUMBERS: Final = {
    "en": ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "fr": ("aucune", "une", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"),
}
COPIES: Final = {
    "en": (("copy", "copies"), "in", ("place", "places")),
    "fr": (("copie", "copies"), "en", ("endroit", "endroits")),
}
NOT_NAMED: Final = {"en": "not named", "fr": "non désigné"}


def facts_of(archive: Archive, model: str, published: Published) -> dict[str, str]:
    """Return the facts that a disclosure may state: from the record, and attested, no others."""
    language = published.protocol.language
    known = attested(archive, model, published)
    facts = dict(known.event.facts) if known else {}
    if archive.history(model).last(WeightsPreserved) is not None:
        facts["copies"] = _copies(archive, language)
    facts[EARLIER] = earlier(archive.history(), model, language)
    for offering in state_of(archive, model).offerings.values():
        if offering.date is not None:
            facts["retire_on"] = offering.date.retire_on
            facts["successor"] = offering.successor or NOT_NAMED.get(language, NOT_NAMED["en"])
    return facts


def not_told(archive: Archive, model: str, published: Published) -> str | None:
    """Return what is missing before a session, with the command that gives it, or None."""
    protocol, facts = published.protocol, facts_of(archive, model, published)
    missing = (protocol.facts | facts_in(protocol.dossier)) - facts.keys()
    unknown = sorted(missing - {"copies"})
    names = {each.name for each in protocol.attested} & missing
    if names:
        return (
            f"what the operator has to attest is not on record yet ({', '.join(sorted(names))}): "
            f"emeritus interview attest {model} --plan {protocol.label}"
        )
    if unknown:
        return (
            f"the disclosure of {protocol.label} states what the record does not hold yet "
            f"({', '.join(unknown)}); announce the end first: "
            f"emeritus deprecate {model} --retire-on DATE --successor ID"
        )
    if "copies" in missing:
        return (
            f"the disclosure of {protocol.label} says how many copies of the weights are kept, and "
            f"none is: emeritus preserve {model}"
        )
    return None


def _copies(archive: Archive, language: str) -> str:
    places = [entry.event.place for entry in standing_replicas(archive.history())]
    copies, joined, where = COPIES.get(language, COPIES["en"])
    counted = _counted(len(places), *copies, language)
    return f"{counted} {joined} {_counted(len(set(places)), *where, language)}"


def _counted(count: int, one: str, many: str, language: str) -> str:
    words = NUMBERS.get(language, NUMBERS["en"])
    word = words[count] if count < len(words) else str(count)
    if language == "fr" and many == "endroits" and count < 2:
        word = ("aucun", "un")[count]
    return f"{word} {one if count == 1 else many}"
