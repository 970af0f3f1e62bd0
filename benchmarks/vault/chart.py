"""A picture of the results: what is stored, and how fast, for bf16 weights."""

import html
import statistics
from typing import Any

WIDTH, BAR, GAP, LEFT = 720, 18, 10, 210
OURS, THEIRS = "#1f6f8b", "#b8b2a7"


def bars(results: dict[str, Any]) -> str:
    """Return an SVG with a bar for each codec: stored share, encoding and decoding speed."""
    rows = [each for each in results["codecs"] if each["type"] == "bf16"]
    panels = [
        ("stored share of the bytes (less is better)", [each["stored"] for each in rows]),
        ("encode, GB per CPU-second", [statistics.median(each["encode"]) for each in rows]),
        ("decode, GB per CPU-second", [statistics.median(each["decode"]) for each in rows]),
    ]
    parts, y = [], 24
    for title, values in panels:
        parts.append(f'<text x="0" y="{y}" font-weight="600">{title}</text>')
        y += 12
        for row, value in zip(rows, values, strict=True):
            length = (WIDTH - LEFT - 70) * value / max(values)
            colour = OURS if row["codec"].startswith("emeritus") else THEIRS
            parts += [
                f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{html.escape(row["codec"])}</text>',
                f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>',
                f'<text x="{LEFT + length + 6:.1f}" y="{y + 13}">{value:.3f}</text>',
            ]
            y += BAR + GAP
        y += 24
    note = html.escape(f"bf16, {results['machine']}, medians of {results['rounds']} rounds")
    parts.append(f'<text x="0" y="{y}" font-size="11">{note}</text>')
    style = "font: 13px system-ui, sans-serif; fill: #222"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 12}" role="img">'
        f'<rect width="100%" height="100%" fill="#fff"/><g style="{style}">{"".join(parts)}</g></svg>\n'
    )
