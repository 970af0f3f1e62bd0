"""Events about models of other people: what was seen to be said of them."""

from typing import Literal

from emeritus.record.events.event import MACHINE, Event, ModelEvent
from emeritus.record.events.values import Count, Day, Digest


class HistoryImported(Event, frozen=True, kw_only=True, tag="history.imported"):
    """A file of other people's dates was read; the observations from it follow.

    `sha256` is the digest of the whole file, which is not kept here: it may be licensed.
    """

    signed_by = MACHINE
    newest_by = ("form", "source")
    form: Literal["table", "model-eol", "deprecations.info", "litellm"]
    source: str
    sha256: Digest
    statements: Count
    unread: Count = 0


class CommitmentObserved(Event, frozen=True, kw_only=True, tag="commitment.observed"):
    """A provider was seen to promise at least `notice_days` between announcement and end."""

    signed_by = MACHINE
    newest_by = ("provider", "source")
    provider: str
    notice_days: Count
    source: str
    page: str | None = None
    seen_on: Day | None = None


class ModelObserved(ModelEvent, frozen=True, kw_only=True, tag="model.observed"):
    """A model of somebody else was met in `source`; `name` is how that spells it.

    It is not in the register of models that are ours to retire: its weights are not held, no
    promise of ours covers it, no gate applies, and what happens to it is observed, never done.
    """

    signed_by = MACHINE
    provider: str
    name: str
    source: str


class LifecycleObserved(ModelEvent, frozen=True, kw_only=True, tag="lifecycle.observed"):
    """A source was seen, on `seen_on`, to say this about one offering of a model.

    One statement of one source. Sources that disagree stand beside each other, and so do the
    earlier and the later words of the same source. `date_kind` is `floor` ("not before") or
    `observed`; `via` names what the source itself was read from; `state` is the source's own word.
    """

    signed_by = MACHINE
    offering: str
    source: str
    date_kind: Literal["floor", "observed"] = "observed"
    via: tuple[str, ...] = ()
    page: str | None = None
    seen_on: Day | None = None
    released_on: Day | None = None
    announced_on: Day | None = None
    retire_on: Day | None = None
    successors: tuple[str, ...] = ()
    state: str | None = None
