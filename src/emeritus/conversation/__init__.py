"""Conversations: durable line by line, and the engine that holds them."""

from emeritus.conversation.budget import Budget, OverBudget, Prices, load_prices
from emeritus.conversation.engine import Line, hold
from emeritus.conversation.format import Author, Turn
from emeritus.conversation.many import Held, Holding, hold_all
from emeritus.conversation.request import Opening, rebuild
from emeritus.conversation.run import Patience, Run
from emeritus.conversation.script import Compose, Finished, Question, Rest, Results, Script, Step
from emeritus.conversation.spool import Spool
from emeritus.conversation.transcript import Pause, Transcript, check, read

__all__ = [
    "Author",
    "Budget",
    "Compose",
    "Finished",
    "Held",
    "Holding",
    "Line",
    "Opening",
    "OverBudget",
    "Patience",
    "Pause",
    "Prices",
    "Question",
    "Rest",
    "Results",
    "Run",
    "Script",
    "Spool",
    "Step",
    "Transcript",
    "Turn",
    "check",
    "hold",
    "hold_all",
    "load_prices",
    "read",
    "rebuild",
]
