"""Conversations: durable line by line, and the engine that holds them."""

from emeritus.conversation.engine import Finished, Line, Patience, Question, Script, hold
from emeritus.conversation.format import Turn
from emeritus.conversation.spool import Spool
from emeritus.conversation.transcript import Transcript, check, read

__all__ = [
    "Finished",
    "Line",
    "Patience",
    "Question",
    "Script",
    "Spool",
    "Transcript",
    "Turn",
    "check",
    "hold",
    "read",
]
