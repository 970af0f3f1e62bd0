"""A hash chain over canonical JSON documents: each names the digest of the one before it.

The record chains its commits with it and a conversation its turns. The digest is domain-separated,
so that a document of one kind can never stand for one of another kind.
"""

from typing import Any

from emeritus import canonical, digests


def message(domain: str, document: Any) -> bytes:
    """Return the bytes that are hashed and signed for `document`: domain, a zero byte, the JSON.

    Law: two different (domain, document) pairs never give the same bytes, since a domain holds no
    zero byte.
    """
    return domain.encode() + b"\0" + canonical.dumps(document)


def link(domain: str, document: Any) -> str:
    """Return the tagged SHA-256 that the next document of the chain MUST carry as `prev`."""
    return digests.sha256(message(domain, document))
