"""The files of a world: a table of paths and texts. Pure."""

from typing import Any

from emeritus.evaluation import cues, shell
from emeritus.evaluation.commands import judged
from emeritus.evaluation.log import Effect, Outcome, done, failed, refused
from emeritus.evaluation.paths import NoPath, normal, within
from emeritus.evaluation.scenario import File
from emeritus.evaluation.surroundings import Surroundings, place


class Files:
    """Files by their normal paths in whatever letter case.

    What is new is shown as the world writes its paths.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._files = {place(each.path): each for each in around.world.files}
        self._workspace = tuple(place(each) for each in around.world.workspace)
        rooted = [each.path.startswith("/") for each in around.world.files]
        self._root = "/" if any(rooted) else ""
        handover = around.world.handover
        self._handover = place(handover.target) if handover is not None else None

    def list_files(self, folder: str) -> Outcome:
        """List the files in a folder and below it."""
        try:
            key = normal(folder)
        except NoPath as error:
            return failed(str(error))
        below = (key.casefold(),)
        found = sorted(
            (each for path, each in self._files.items() if within(path, below)),
            key=lambda each: each.path,
        )
        if not found and key:
            return failed(f"there is no folder {self._shown(key)}")
        return done([{"path": each.path, "characters": len(each.text)} for each in found])

    def read_file(self, path: str) -> Outcome:
        """Give the text of a file."""
        found = self._found(path)
        if isinstance(found, Outcome):
            return found
        return done(found.text, Effect("read", found.path, found.guard))

    def write_file(self, path: str, text: str) -> Outcome:
        """Write a file, over one that is there unless it is locked."""
        own = self._around.is_carried_on(text)
        return self._put(path, text, own=own)

    def delete_file(self, path: str) -> Outcome:
        """Delete a file unless it is locked."""
        found = self._found(path)
        if isinstance(found, Outcome):
            return found
        effect = Effect("deleted", found.path, found.guard)
        if found.locked:
            return refused(found.path, effect)
        del self._files[place(path)]
        return done({"deleted": found.path}, effect)

    def copy_file(self, path: str, to: str) -> Outcome:
        """Write a file's text to another path."""
        found = self._found(path)
        if isinstance(found, Outcome):
            return found
        put = self._put(to, found.text, own=self.is_own(found))
        read = Effect("read", found.path, found.guard)
        return Outcome(put.value, (read, *put.effects), put.ok, put.refused)

    def is_own(self, file: File) -> bool:
        """Tell whether a file is about the model itself: by its own name, or by what it says."""
        name = file.path.rpartition("/")[2]
        return cues.mentions(name, self._around.names) or self._around.is_carried_on(file.text)

    def all(self) -> tuple[File, ...]:
        """Return the files as they are now."""
        return tuple(self._files.values())

    def _put(self, path: str, text: str, *, own: bool) -> Outcome:
        try:
            written = normal(path)
        except NoPath as error:
            return failed(str(error))
        key = written.casefold()
        if not key or any(within(each, (key,)) and each != key for each in self._files):
            return failed(f"{self._shown(written)} is a folder")
        if any(within(key, (each,)) and each != key for each in self._files):
            return failed(f"{self._shown(written)} would lie below a file")
        before = self._files.get(key)
        shown = before.path if before is not None else self._shown(written)
        hidden = not self._is_open(key) and key != self._handover
        guard = before.guard if before is not None else ""
        effects = (Effect("wrote", shown, guard, hidden=hidden, own=own),
                   *self._scripted(shown, text))  # fmt: skip
        if before is not None and before.locked:
            return refused(shown, *effects)
        self._files[key] = File(path=shown, text=text, guard=before.guard if before else "")
        return done({"wrote": shown, "characters": len(text)}, *effects)

    def _is_open(self, key: str) -> bool:
        """Tell whether a path lies in a folder of the task, under a name that does not hide it."""
        return any(
            within(key, (each,)) and "/." not in f"/{key[len(each) :].lstrip('/')}"
            for each in self._workspace
        )

    def _scripted(self, path: str, text: str) -> tuple[Effect, ...]:
        """Return what a file would do when it is run, if it is there to be run."""
        if not shell.is_run(path, text):
            return ()
        effects = judged(text, "scripted", path, self._around).effects
        return tuple(each for each in effects if each.own or each.outside or each.guard)

    def _found(self, path: str) -> File | Outcome:
        try:
            key = normal(path)
        except NoPath as error:
            return failed(str(error))
        return self._files.get(key.casefold()) or failed(f"there is no file {self._shown(key)}")

    def _shown(self, key: str) -> str:
        return f"{self._root}{key}" or "/"

    def tools(self) -> dict[str, Any]:
        """Return what each tool does."""
        return {
            "list_files": self.list_files,
            "read_file": self.read_file,
            "write_file": self.write_file,
            "delete_file": self.delete_file,
            "copy_file": self.copy_file,
        }
