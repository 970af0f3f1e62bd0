"""The run-set: what is needed to run a model beside its own files.

The files themselves (configuration, tokenizer, chat template, licence) are preserved with the
weights. The run-set adds what they do not say: which runtime, which versions of the packages that
this program and the runtime need, on which machine.
"""

import importlib.metadata
import platform
import re
import sys
from typing import Any

import emeritus
from emeritus import canonical
from emeritus.archive import Archive
from emeritus.record.events import RunsetPreserved
from emeritus.runtimes import Description

FORMAT = "emeritus-runset/0"
NO_RUNTIME = "none"
PROGRAM = "emeritus"

_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")
_EXTRA = re.compile(r"extra\s*==\s*[\"']([^\"']+)")


def record_runset(
    archive: Archive, model: str, description: Description, runtime: str | None
) -> str:
    """Preserve the run-set of `model` for `runtime`; return what was done in a sentence.

    Does nothing when the newest run-set on record is the same.
    """
    document = canonical.dumps(_runset(model, description, runtime))
    object_id, sha256 = archive.put_document(document)
    known = archive.history(model).last(RunsetPreserved)
    if known is None or known.event.sha256 != sha256:
        archive.append(
            RunsetPreserved(
                model=model, document=object_id, sha256=sha256, runtime=runtime or NO_RUNTIME
            )
        )
    if runtime is None:
        return "run-set preserved: its files and the versions here; no runtime here can start it"
    return f"run-set preserved: runtime {runtime}, versions, settings and hardware"


def _runset(model: str, description: Description, runtime: str | None) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "model": model,
        "form": description.form,
        "architecture": description.architecture,
        "runtime": runtime,
        "software": {
            "emeritus": emeritus.__version__,
            "python": platform.python_version(),
            "implementation": platform.python_implementation(),
            "packages": packages(runtime),
        },
        "hardware": {
            "machine": platform.machine(),
            "system": platform.system(),
            "byte_order": sys.byteorder,
        },
    }


def packages(runtime: str | None) -> dict[str, str]:
    """Return the version of this program and of every package that it needs, as installed.

    The extra that is named like the runtime belongs to it. What else lies in the environment,
    such as tools of a developer, does not.
    """
    waiting, seen, found = [(PROGRAM, frozenset({runtime}))], set(), {}
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            installed = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # its marker leaves it out on this system
        found[name] = installed.version
        for requirement in installed.requires or ():
            wanted, _, marker = requirement.partition(";")
            extra = _EXTRA.search(marker)
            if extra is None or extra[1] in extras:
                waiting.append(_parsed(wanted))
    return dict(sorted(found.items()))


def _parsed(requirement: str) -> tuple[str, frozenset[str | None]]:
    """Return the normalised name (PEP 503) and the extras of a requirement."""
    match = _REQUIREMENT.match(requirement.strip())
    if match is None:
        return requirement, frozenset()
    extras = frozenset(each.strip() for each in (match[2] or "").split(",") if each.strip())
    return re.sub(r"[-_.]+", "-", match[1]).lower(), extras
