"""Prepares what was asked for: builds environments, and finds or writes checkpoint files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from zoo.checkpoints import exports, files
from zoo.checkpoints.files import Located
from zoo.documents.load import Zoo
from zoo.errors import EnvironmentChangedError, FileUnavailableError, ZooError
from zoo.frameworks import environments
from zoo.frameworks.environments import Environment
from zoo.frameworks.table import Framework, framework
from zoo.measure.accuracy import Task
from zoo.progress import Talk
from zoo.records import Checkpoint, File, Recipe

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True)
class Planned:
    """A checkpoint in a framework with a recipe, as it was asked for."""

    checkpoint: Checkpoint
    framework: Framework
    recipe: Recipe

    @property
    def title(self) -> str:
        """For a reader."""
        return f"{self.checkpoint.id} in {self.framework.title}"


def made_once(known: dict[K, T | ZooError], key: K, make: Callable[[], T]) -> T:
    """What `make` gave the first time; an error that it raised then is raised again.

    That an environment has changed is not kept: it is known from then on, and the next try may succeed.
    """
    if key not in known:
        try:
            known[key] = make()
        except EnvironmentChangedError:
            raise
        except ZooError as error:
            known[key] = error
    outcome = known[key]
    if isinstance(outcome, ZooError):
        raise outcome
    return outcome


class Preparation:
    """What makes the tasks of one job. An environment is built at most once, also when building it fails."""

    def __init__(self, zoo: Zoo, talk: Talk) -> None:
        self.zoo, self.talk = zoo, talk
        self._environments: dict[str, Environment | ZooError] = {}

    def task(self, planned: Planned) -> Task:
        """Raises FileUnavailableError, EnvironmentBuildError, WorkerError."""
        checkpoint = planned.checkpoint
        # A file that is not here needs no environment to say so.
        located = None if checkpoint.export_from else files.locate(checkpoint, self.zoo.root)
        environment = self.environment(planned.framework)
        if located is None:
            located = exports.export(checkpoint, self.zoo.root, self._writer(checkpoint))
        return self._task(planned, environment, located)

    def untrained(self, planned: Planned) -> Task:
        """A task with random weights, for timing, which does not depend on them. Raises as `task`."""
        checkpoint = planned.checkpoint
        if checkpoint.network is None or checkpoint.quantised:
            raise FileUnavailableError(
                f"{checkpoint.id}: random weights are offered for float networks whose architecture is documented; "
                "give the published file"
            )
        # A checkpoint whose names of tensors are said to be of one dialect is written in that one.
        dialect = checkpoint.options.get("dialect")
        form = f"{checkpoint.format}:{dialect}" if dialect else checkpoint.format
        located = exports.untrained(checkpoint, form, self._writer(checkpoint))
        # The files are not the published ones, whose hashes are nothing to compare them with.
        written = tuple(File(name=path.name) for path in located.paths)
        other = replace(planned, checkpoint=checkpoint.changed(files=written, export_from=None))
        return self._task(other, self.environment(planned.framework), located)

    def environment(self, wanted: Framework) -> Environment:
        """Raises EnvironmentBuildError."""
        return made_once(self._environments, wanted.name, lambda: environments.ensure(wanted, self.talk.say))

    def steadily(self, work: Callable[[], T]) -> T:
        """What `work` gives; again from its beginning where an environment turned out to have changed.

        One writes a checkpoint's files and one runs them, so that may happen twice.
        """
        for _ in range(2):
            try:
                return work()
            except EnvironmentChangedError as error:
                self.talk.warn(str(error))
                self._environments.clear()
        return work()

    def _writer(self, checkpoint: Checkpoint) -> Environment:
        """A file is written by the framework whose format it is, also where another one reads it."""
        return self.environment(framework(checkpoint.framework))

    def _task(self, planned: Planned, environment: Environment, located: Located) -> Task:
        label_map = self.zoo.label_maps[planned.checkpoint.label_map]
        return Task(planned.checkpoint, planned.recipe, label_map, environment, located)
