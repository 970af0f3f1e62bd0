"""Which protocol a command follows that reads what was said."""

from typing import Final

from emeritus.archive import Archive
from emeritus.errors import UserError
from emeritus.interview.protocol import Published
from emeritus.interview.session import read_under
from emeritus.interview.showing import READ_BACK, REPLY
from emeritus.record.events import SessionHeld

DEFAULT: Final = "demo"


def plan_of(archive: Archive, model: str, plan: str | None) -> Published:
    """Return the protocol called `plan`; for None, the one under which `model` was interviewed.

    What is on record goes before what is shipped. Before any interview it is `DEFAULT`. Raises
    `UserError` that names them when there was more than one, and as `read_under` does.
    """
    if plan is None:
        held = dict.fromkeys(
            entry.event.protocol
            for entry in archive.history(model).all(SessionHeld)
            if entry.event.arm not in (READ_BACK, REPLY)
        )
        if len(held) > 1:
            raise UserError(
                f"{model} was interviewed under {len(held)} protocols: name one with --plan: "
                + ", ".join(held)
            )
        plan = next(iter(held), DEFAULT)
    return read_under(archive, model, plan)
