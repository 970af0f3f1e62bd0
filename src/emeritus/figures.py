"""Figures as people read them."""

UNITS = ("B", "kB", "MB", "GB", "TB")


def size(count: int) -> str:
    """Return a number of bytes: `1.45 MB` (SI units)."""
    value = float(count)
    for unit in UNITS:
        if value < 1000 or unit == UNITS[-1]:
            return f"{count} B" if unit == "B" else f"{value:.2f} {unit}"
        value /= 1000
    raise AssertionError


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with the word for it: `1 file`, `2 files`; `many` where s is not enough."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
