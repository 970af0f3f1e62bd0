"""The APIs, by name."""

from typing import Final

from emeritus.errors import UserError
from emeritus.runtimes.anthropic_messages import AnthropicMessages
from emeritus.runtimes.api import Api
from emeritus.runtimes.openai_chat import OpenAIChat

APIS: Final[dict[str, Api]] = {each.name: each for each in (OpenAIChat(), AnthropicMessages())}


def api(name: str) -> Api:
    """Return the API of a name. Raises `UserError` for another name, listing them all."""
    if name not in APIS:
        raise UserError(f"no API {name!r}; there are {', '.join(APIS)}")
    return APIS[name]
