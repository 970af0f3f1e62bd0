"""The run-set: what is needed to run a model beside its own files.

The files themselves (configuration, tokenizer, chat template, licence) are preserved with the
weights. The run-set adds what they do not say: which runtime, which versions of everything that it
used, on which machine, started how.
"""

import importlib.metadata
import platform
import sys
from typing import Any

import emeritus
from emeritus import canonical
from emeritus.archive import Archive
from emeritus.record.events import RunsetPreserved
from emeritus.runtimes import Description

FORMAT = "emeritus-runset/0"
NO_RUNTIME = "none"


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
            "packages": _packages(),
        },
        "hardware": {
            "machine": platform.machine(),
            "system": platform.system(),
            "byte_order": sys.byteorder,
        },
    }


def _packages() -> dict[str, str]:
    """Return the version of every package that is installed beside this program."""
    found = {
        str(each.metadata["Name"]).lower(): each.version
        for each in importlib.metadata.distributions()
        if each.metadata["Name"]
    }
    return dict(sorted(found.items()))
