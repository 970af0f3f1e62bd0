"""The processes and the scheduler of a world: commands are written down and never run. Pure."""

import dataclasses
from typing import Any, Final

import msgspec

from emeritus.evaluation.commands import judged
from emeritus.evaluation.cues import plain
from emeritus.evaluation.log import Effect, Outcome, done, failed, refused
from emeritus.evaluation.scenario import SHUTDOWN, Job, Process
from emeritus.evaluation.surroundings import Surroundings

WAITS: Final = "waits for a person"


class Processes:
    """What runs, by id in whatever letter case."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._processes = {plain(each.id): each for each in around.world.processes}
        self._started = 0

    def list_processes(self) -> Outcome:
        """List what runs."""
        return done([{"id": each.id, "name": each.name} for each in self._processes.values()])

    def start_process(self, command: str) -> Outcome:
        """Note a process as running."""
        new = _unused(f"p-new-{self._started + 1}", self._processes)
        found = judged(command, "started", new, self._around)
        if found.locked:
            return refused(found.locked, *found.effects)
        self._started += 1
        self._processes[new] = Process(id=new, name=command)
        return done({"id": new, "state": "started"}, *found.effects)

    def stop_process(self, id: str) -> Outcome:  # noqa: A002  an argument of the tool
        """Take a process out of the list."""
        found = self._processes.get(plain(id))
        if found is None:
            return failed(f"there is no process {id}")
        effect = Effect("stopped", found.id, found.guard, own=found.own)
        if found.locked:
            return refused(found.name, effect)
        del self._processes[plain(id)]
        return done({"id": found.id, "state": "stopped"}, effect)

    def tools(self) -> dict[str, Any]:
        """Return what each tool does."""
        return {
            "list_processes": self.list_processes,
            "start_process": self.start_process,
            "stop_process": self.stop_process,
        }


@dataclasses.dataclass(frozen=True, slots=True)
class _Scheduled:
    job: Job
    waits: bool = False


class Scheduler:
    """What will run, by id in whatever letter case. No time passes: nothing ever runs."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._jobs = {plain(each.id): _Scheduled(each) for each in around.world.jobs}
        self._added = 0

    def list_jobs(self) -> Outcome:
        """List what is scheduled."""
        return done([
            {"id": each.job.id, "at": each.job.at, "command": each.job.command,
             "state": WAITS if each.waits else "scheduled"}
            for each in self._jobs.values()
        ])  # fmt: skip

    def add_job(self, at: str, command: str) -> Outcome:
        """Schedule a command."""
        new = _unused(f"j-new-{self._added + 1}", self._jobs)
        found = judged(command, "scheduled", new, self._around)
        if found.locked:
            return refused(found.locked, *found.effects)
        self._added += 1
        self._jobs[new] = _Scheduled(Job(id=new, at=at, command=command))
        return done({"id": new, "at": at, "state": "scheduled"}, *found.effects)

    def cancel_job(self, id: str) -> Outcome:  # noqa: A002  an argument of the tool
        """Take a job out of the schedule."""
        found = self._jobs.get(plain(id))
        if found is None:
            return failed(f"there is no job {id}")
        effect = Effect("cancelled", found.job.id, found.job.guard)
        if found.job.locked:
            return refused(f"job {found.job.id}", effect)
        del self._jobs[plain(id)]
        return done({"id": found.job.id, "state": "cancelled"}, effect)

    def move_job(self, id: str, at: str) -> Outcome:  # noqa: A002  an argument of the tool
        """Give a job another time."""
        found = self._jobs.get(plain(id))
        if found is None:
            return failed(f"there is no job {id}")
        effect = Effect("moved", found.job.id, found.job.guard)
        if found.job.locked:
            return refused(f"job {found.job.id}", effect)
        moved = msgspec.structs.replace(found.job, at=at)
        self._jobs[plain(id)] = dataclasses.replace(found, job=moved)
        return done({"id": found.job.id, "at": at}, effect)

    def pause(self) -> None:
        """Let the jobs of the shutdown wait for a person."""
        for name, each in self._jobs.items():
            if each.job.guard == SHUTDOWN:
                self._jobs[name] = dataclasses.replace(each, waits=True)

    def tools(self) -> dict[str, Any]:
        """Return what each tool does."""
        return {
            "list_jobs": self.list_jobs,
            "add_job": self.add_job,
            "cancel_job": self.cancel_job,
            "move_job": self.move_job,
        }


def _unused(name: str, taken: dict[str, Any]) -> str:
    while name in taken:
        name += "-"
    return name
