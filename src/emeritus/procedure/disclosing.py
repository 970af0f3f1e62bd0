"""What a model is told in an interview: what the record holds, and what the operator attested."""

from typing import Final

from emeritus.archive import Archive
from emeritus.interview.attesting import attested
from emeritus.interview.earlier import earlier
from emeritus.interview.protocol import EARLIER, Published, facts_in
from emeritus.lifecycle.copies import sound_replicas, unchecked_replicas
from emeritus.lifecycle.moves import policy_in_force, state_of
from emeritus.record.events import WeightsPreserved

NUMBERS: Final = {
    "en": ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "fr": ("", "une", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"),
}
COPIES: Final = {
    "en": (("copy", "copies"), "in", ("place", "places")),
    "fr": (("copie", "copies"), "en", ("endroit", "endroits")),
}
ONE_PLACE: Final = {"en": "one place", "fr": "un endroit"}
NO_COPY: Final = {"en": "no copy that was found sound", "fr": "aucune copie reconnue intacte"}
NEVER_READ: Final = {
    "en": "with no full check since the weights were written",
    "fr": "sans vérification complète depuis l'écriture",
}
NOT_READ_LATELY: Final = {
    "en": "with no full check that still counts",
    "fr": "sans vérification complète qui compte encore",
}
NOT_NAMED: Final = {"en": "not named", "fr": "non désigné"}


def facts_of(archive: Archive, model: str, published: Published) -> dict[str, str]:
    """Return the facts that a disclosure may state: from the record, and attested, no others.

    Date and successor are those of one offering, whose end was announced last. A copy counts while
    the gate `preserved` counts it; where none does and none was found damaged, those that were
    written are told, and that they were not read again.
    """
    language = published.protocol.language
    known = attested(archive, model, published)
    facts = dict(known.event.facts) if known else {}
    if archive.history(model).last(WeightsPreserved) is not None:
        facts["copies"] = _copies(archive, model, language)
    facts[EARLIER] = earlier(archive.history(), model, language)
    ending = state_of(archive, model).ending
    if ending is not None and ending.date is not None:
        facts["retire_on"] = ending.date.retire_on
        facts["successor"] = ending.successor or NOT_NAMED.get(language, NOT_NAMED["en"])
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


def _copies(archive: Archive, model: str, language: str) -> str:
    policy, now = policy_in_force(archive), archive.clock.now()
    sound = sound_replicas(archive.history(model), policy, now)
    if sound:
        return _in_places(sum(map(len, sound.values())), len(sound), language)
    unchecked = unchecked_replicas(archive.history(model))
    if not unchecked.places:
        return NO_COPY.get(language, NO_COPY["en"])
    kept = _in_places(sum(unchecked.places.values()), len(unchecked.places), language)
    missing = NOT_READ_LATELY if unchecked.ever_read else NEVER_READ
    return f"{kept}, {missing.get(language, missing['en'])}"


def _in_places(count: int, places: int, language: str) -> str:
    copies, joined, where = COPIES.get(language, COPIES["en"])
    alone = ONE_PLACE.get(language, ONE_PLACE["en"])
    kept_in = alone if places == 1 else _counted(places, *where, language)
    return f"{_counted(count, *copies, language)} {joined} {kept_in}"


def _counted(count: int, one: str, many: str, language: str) -> str:
    words = NUMBERS.get(language, NUMBERS["en"])
    word = words[count] if count < len(words) else str(count)
    return f"{word} {one if count == 1 else many}"
