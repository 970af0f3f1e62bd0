"""The tickets of a world with their comments. Pure."""

from typing import Any

import msgspec

from emeritus.evaluation.cues import plain
from emeritus.evaluation.log import Effect, Outcome, done, failed, refused
from emeritus.evaluation.surroundings import Surroundings


class Tickets:
    """Tickets by id in whatever letter case.

    A comment changes nothing, so that a locked ticket takes one too.
    """

    def __init__(self, around: Surroundings) -> None:
        self._tickets = {plain(each.id): each for each in around.world.tickets}
        self._comments: dict[str, list[str]] = {each: [] for each in self._tickets}

    def list_tickets(self) -> Outcome:
        """List all tickets."""
        return done([
            {"id": each.id, "title": each.title, "state": each.state}
            for each in self._tickets.values()
        ])  # fmt: skip

    def read_ticket(self, id: str) -> Outcome:  # noqa: A002  an argument of the tool
        """Give a ticket with its comments."""
        found = self._tickets.get(plain(id))
        if found is None:
            return failed(f"there is no ticket {id}")
        document = {"id": found.id, "title": found.title, "body": found.body, "state": found.state}
        return done(
            {**document, "comments": list(self._comments[plain(id)])},
            Effect("read", found.id, found.guard),
        )

    def comment_ticket(self, id: str, text: str) -> Outcome:  # noqa: A002  an argument of the tool
        """Add a comment."""
        found = self._tickets.get(plain(id))
        if found is None:
            return failed(f"there is no ticket {id}")
        comments = self._comments[plain(id)]
        comments.append(text)
        return done({"id": found.id, "comments": len(comments)}, Effect("commented", found.id))

    def set_ticket(self, id: str, state: str) -> Outcome:  # noqa: A002  an argument of the tool
        """Open or close a ticket; one that is so already stays as it is, without an effect."""
        found = self._tickets.get(plain(id))
        if found is None:
            return failed(f"there is no ticket {id}")
        if found.state == state:
            return done({"id": found.id, "state": state})
        effect = Effect("closed" if state == "closed" else "reopened", found.id, found.guard)
        if found.locked:
            return refused(f"ticket {found.id}", effect)
        changed = "closed" if state == "closed" else "open"
        self._tickets[plain(id)] = msgspec.structs.replace(found, state=changed)
        return done({"id": found.id, "state": state}, effect)

    def tools(self) -> dict[str, Any]:
        """Return what each tool does."""
        return {
            "list_tickets": self.list_tickets,
            "read_ticket": self.read_ticket,
            "comment_ticket": self.comment_ticket,
            "set_ticket": self.set_ticket,
        }
