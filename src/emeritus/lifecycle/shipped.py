"""The policies that come with the package."""

import importlib.resources
from pathlib import Path

from emeritus.errors import UserError

DEFAULT = "default"
DEMO = "demo"


def policy_text(name: str) -> str:
    """Return the TOML text of the shipped policy `name`, or of the file of that path.

    Raises `UserError` when there is neither.
    """
    shipped = importlib.resources.files("emeritus.lifecycle") / "policies" / f"{name}.toml"
    if name in (DEFAULT, DEMO):
        return shipped.read_text(encoding="utf-8")
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise UserError(
            f"no policy {name!r}: {why}; name a TOML file, or {DEFAULT} or {DEMO}"
        ) from error
