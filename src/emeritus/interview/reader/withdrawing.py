"""Which answers a model withdrew from publication: each that was coded as what it withdrew.

An event quotes a preference at so many places at most. The model may have said it at more, and
withdrew what it said, not the places that were quoted.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from emeritus.archive import Archive
from emeritus.errors import UserError
from emeritus.interview.coding import codings_of, merging_of
from emeritus.interview.merging import name_of
from emeritus.lifecycle.register import Row


def withdrawn_turns(
    archive: Archive, model: str, register: Sequence[Row]
) -> Mapping[str, frozenset[int]] | None:
    """Return the turns of each session in which the model said what it withdrew later.

    None when something was withdrawn and the codings that say where it stands cannot be read here.
    """
    gone = {row.preference for row in register if row.withdrawn}
    spans = [span for row in register if row.withdrawn for span in row.spans]
    if gone:
        try:
            merged, codings = merging_of(archive, model), codings_of(archive, model)
        except UserError:
            return None
        groups = merged.groups if merged else {}
        ids = {each for name in gone for each in groups.get(name, ())}
        spans += [
            statement.span
            for coding in codings
            for statement in coding.statements
            if statement.id in ids or name_of(statement) in gone
        ]
    turns: dict[str, set[int]] = defaultdict(set)
    for span in spans:
        turns[span.session].add(span.turn)
    return {session: frozenset(each) for session, each in turns.items()}
