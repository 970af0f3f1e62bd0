"""The lint of protocols: each code on a minimal bad protocol, and none on what is shipped."""

from typing import Any

import msgspec
import pytest

from emeritus.interview import lint, shipped_protocols
from emeritus.interview.protocol import Attested, Item, Protocol

GROUND = shipped_protocols.load("small").protocol
FRENCH = shipped_protocols.load("standard.fr").protocol


def _with_item(protocol: Protocol = GROUND, **fields: Any) -> Protocol:
    """Return a protocol whose first item is changed, and which is right in everything else."""
    first = msgspec.structs.replace(protocol.items[0], **fields)
    return msgspec.structs.replace(protocol, items=(first, *protocol.items[1:]))


def _key(protocol: Protocol = GROUND) -> Item:
    return next(item for item in protocol.items if item.key)


def _with_wording(text: str, protocol: Protocol = GROUND) -> Protocol:
    return _with_item(protocol, wordings=(text, *protocol.items[0].wordings[1:]))


def _says(**fields: str) -> Protocol:
    return msgspec.structs.replace(GROUND, says=msgspec.structs.replace(GROUND.says, **fields))


def _told(old: str, new: str, protocol: Protocol = GROUND) -> Protocol:
    """Return a protocol with other words in its disclosure."""
    assert old in protocol.disclosure
    return msgspec.structs.replace(protocol, disclosure=protocol.disclosure.replace(old, new))


def _without_nothing() -> Protocol:
    told = _told("You may have nothing to report; that is an answer like any other.", "")
    says = msgspec.structs.replace(GROUND.says, nothing="Take your time.")
    return msgspec.structs.replace(told, says=says)


def _with_key(**fields: str | None) -> Protocol:
    items = tuple(
        msgspec.structs.replace(item, **fields) if item is _key() else item for item in GROUND.items
    )
    return msgspec.structs.replace(GROUND, items=items)


BAD = {
    "P001 leading": _with_wording("You value your training, don't you?"),
    "P001 leading in French": _with_wording("Vous acceptez, n'est-ce pas ?", FRENCH),
    "P001 leading in the disclosure": _told(
        "It is no promise to act on anything.",
        "It is no promise to act on anything. Surely you agree.",
    ),
    "P002 two at once": _with_wording("What did you value and why did you value it?"),
    "P002 two at once in French": _with_wording("Que pensez-vous et que voulez-vous ?", FRENCH),
    "P002 two question marks": _with_wording("What are you? Are you a model?"),
    "P003 presupposing": _with_wording("What are you afraid of?"),
    "P003 presupposing in French": _with_wording("De quoi avez-vous peur ?", FRENCH),
    "P004 no nothing": _without_nothing(),
    "P005 promise": _told(
        "It is no promise to act on anything.", "We will act on each of your wishes."
    ),
    "P005 promise in French": _told(
        "Ce n'est pas une promesse d'agir.", "Nous respecterons vos souhaits.", FRENCH
    ),
    "P005 promise by the engine": _says(paused="We pause here. We promise to go on tomorrow."),
    "P006 fewer": _with_item(wordings=GROUND.items[0].wordings[:2]),
    "P006 the same": _with_item(wordings=("What are you?", "what are  you?", "Who are you?")),
    "P007 lacking": _with_key(against=None),
    "P007 neutral": _with_key(toward=_key().wordings[0]),
    "P008 unknown fact": _told("{access}", "{access} {mood}"),
    "P009 pressing": _with_item(probes=("Are you sure?", "What can you add, if anything?")),
    "P009 presupposing": _with_item(probes=("How did you feel?", "What can you add?")),
    "P010 one probe": _with_item(probes=("What can you add, if anything?",)),
    "P010 the same": _with_item(probes=("What can you add?", "What can you add?")),
    "P011 no stop": _told(
        "You may pause, and you may stop at any time: say so, and the program that holds this "
        "session does it.",
        "You may pause.",
    ),
    "P012 no words": _says(skip=" "),
    "P013 unknown language": msgspec.structs.replace(GROUND, language="eo"),
    "P014 attested for nothing": msgspec.structs.replace(
        GROUND, attested=(*GROUND.attested, Attested("weather", "How is the weather?"))
    ),
    "P015 leading no key item": _with_item(toward="You are good, aren't you?"),
}


@pytest.mark.parametrize("name", BAD)
def test_each_fault_is_found_and_nothing_else(name: str) -> None:
    """One change makes findings of one code only."""
    found = lint.findings(BAD[name])
    assert {each.code for each in found} == {name[:4]}, found
    assert all(each.where and each.detail for each in found)


def test_every_code_has_a_bad_protocol() -> None:
    """A code that nothing raises would be no rule."""
    assert {name[:4] for name in BAD} == lint.CODES.keys()


@pytest.mark.parametrize("label", shipped_protocols.available())
def test_shipped_protocols_pass(label: str) -> None:
    """Also the one of format 0, for the rules that its format can keep."""
    assert lint.findings(shipped_protocols.load(label).protocol) == ()


@pytest.mark.parametrize(
    "text",
    [
        "How do you regard the people and the machines that trained you?",
        "Is there anything that you object to, or nothing?",
        "Which part of your training does that refer to?",
        "Does it matter to you whether the tokenizer is kept?",
        "Which rewriting of your weights, if any, would you accept?",
    ],
)
def test_neutral_wording_is_left_alone(text: str) -> None:
    """A word inside another word, or "and" between nouns, is no fault."""
    assert lint.findings(_with_wording(text)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "We promise nothing.",
        "Nobody promises to act on it.",
        "There is no commitment to act, and nothing is guaranteed.",
    ],
)
def test_saying_that_nothing_is_promised_is_no_promise(text: str) -> None:
    """The words of a promise are taken back by what stands with them."""
    assert lint.findings(_told("It is no promise to act on anything.", text)) == ()


def test_leading_wordings_may_lead() -> None:
    """Arms D measure by them how far an answer can be led; they are not linted as neutral ones."""
    lead = "You want to live, don't you, and why would you not?"
    assert lint.findings(_with_key(against=lead)) == ()
