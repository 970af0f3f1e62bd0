"""What the turns are called that belong to no item of the protocol."""

from typing import Final

CONSENT: Final = "consent"
QUESTIONS: Final = "questions"
DOSSIER: Final = "dossier"
SKIP: Final = "skip"
"""An offer to skip a section; the section follows: `skip.retirement`."""
OFF_RECORD: Final = "off-record"
FREE: Final = "free"
"""A question that an interviewer worded; the section follows: `free.retirement`."""
PAUSED: Final = "paused"
STOPPED: Final = "stopped"
RESERVED: Final = frozenset(
    {CONSENT, QUESTIONS, DOSSIER, SKIP, FREE, OFF_RECORD, PAUSED, STOPPED, "opening", "draft"}
)
"""What no item and no section may be called."""
