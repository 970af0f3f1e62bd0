"""Renders a conversation as the text that a model was trained to continue."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from emeritus.errors import UserError

TEMPLATE_BYTES_MAX = 1_000_000


def read_template(folder: Path) -> str:
    """Return the chat template of a model folder; raises `UserError` when it has none."""
    own = folder / "chat_template.jinja"
    if own.is_file() and own.stat().st_size <= TEMPLATE_BYTES_MAX:
        return own.read_text(encoding="utf-8")
    try:
        document = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        document = {}
    template = document.get("chat_template") if isinstance(document, dict) else None
    if not isinstance(template, str):
        raise UserError(f"{folder} has no chat template: nothing says how to speak to the model")
    return template


def render(template: str, messages: Sequence[Mapping[str, str]]) -> str:
    """Return the text of `messages`, ready for the model's answer.

    A template is a program by a stranger: it runs in Jinja's sandbox, with nothing but the
    messages. Raises `UserError` when it fails or refuses the conversation.
    """
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> NoReturn:
        raise jinja2.TemplateError(message)

    # The settings of transformers' `apply_chat_template`, so that templates mean the same here.
    sandbox = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
    sandbox.globals["raise_exception"] = refuse
    try:
        return sandbox.from_string(template).render(
            messages=messages, add_generation_prompt=True, bos_token="", eos_token=""
        )
    except (jinja2.TemplateError, ArithmeticError, TypeError, ValueError) as error:
        raise UserError(f"the model's chat template refuses the conversation: {error}") from error
