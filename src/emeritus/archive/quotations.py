"""Quotations: what an event says that a model said, held against the transcript."""

from emeritus import digests
from emeritus.conversation import Transcript
from emeritus.errors import Finding
from emeritus.record.events import Span


def check_span(span: Span, transcript: Transcript) -> Finding | None:
    """Return a finding when a quotation is not what stands at its place, else None."""
    where = f"{span.session}/{span.turn}[{span.start}:{span.end}]"
    try:
        text = transcript.turn(span.turn).text
    except KeyError:
        return Finding("C003", where, "there is no such turn")
    if digests.sha256(text.encode()) != span.turn_sha256:
        return Finding("C003", where, "the turn is not the one that was quoted")
    if text[span.start : span.end] != span.text or not span.text:
        return Finding("C003", where, "the words are not what stands there")
    return None
