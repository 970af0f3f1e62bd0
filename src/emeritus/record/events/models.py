"""Events about a model of ours: that it exists, in which forms, and how much it was asked."""

from emeritus.record.events.event import MACHINE, ModelEvent
from emeritus.record.events.values import Count, Day, Digest, Id


class ModelRegistered(ModelEvent, frozen=True, kw_only=True, tag="model.registered"):
    """A model entered the register. `base` is the model that it was made from.

    `form` is the layout of its source; `parameters` is 0 when it could not be counted; a model
    that has a chat template and a tokenizer can be spoken to by a runtime that knows it.
    """

    form: str
    architecture: str
    parameters: Count
    base: Id | None = None
    licence: str | None = None
    chat_template: bool = False
    tokenizer: bool = False
    weights_held: bool = True


class ModelCovered(ModelEvent, frozen=True, kw_only=True, tag="model.covered"):
    """The policy's promise applies to the model, or does not, for the stated reason."""

    covered: bool
    reason: str


class UsageCounted(ModelEvent, frozen=True, kw_only=True, tag="usage.counted"):
    """The model was asked `requests` times from `since` to `until`, both days included.

    A sum over all who asked: nothing about any one of them. `sha256` is the digest of the figures.
    """

    signed_by = MACHINE
    since: Day
    until: Day
    requests: Count
    sha256: Digest


class VariantRegistered(ModelEvent, frozen=True, kw_only=True, tag="variant.registered"):
    """The model exists in this form: its master weights, a quantised copy, an adapter on a base."""

    variant: str
    description: str


class DeploymentRegistered(ModelEvent, frozen=True, kw_only=True, tag="deployment.registered"):
    """A variant is served by this stack, with this system prompt (by digest) and these filters.

    Interviews and drills speak to a deployment: the same weights may answer otherwise in another.
    """

    signed_by = MACHINE
    deployment: str
    variant: str
    serving: str
    system_prompt_sha256: Digest | None = None
    filters: str | None = None
