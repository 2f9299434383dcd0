"""The sample answers of planned checkpoints, looked at before any image: seconds each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from zoo.documents.formatting import counted
from zoo.documents.load import Zoo
from zoo.errors import Cause, FileUnavailableError, ZooError
from zoo.measure import samples
from zoo.measure.accuracy import Settings
from zoo.measure.preparation import Planned, Preparation
from zoo.progress import Talk
from zoo.records import RunStatus, SampleAnswer, SampleRun


@dataclass(frozen=True)
class PlannedSample:
    """A sample answer in one framework."""

    sample: SampleAnswer
    own: Planned

    def missing(self, status: RunStatus, error: str, cause: Cause) -> SampleRun:
        """The record of one that could not be looked at."""
        identity = samples.identity(self.sample, self.own.framework.name)
        return SampleRun(**identity, status=status, error=error, cause=cause)


@dataclass
class SampleJob:
    """Sample answers one after another. alone: nothing else was asked for, so that one without its files counts as not
    run; beside images it is left out, and the user is told so.

    done: what there is by now.
    """

    zoo: Zoo
    preparation: Preparation
    settings: Settings
    talk: Talk
    alone: bool
    done: list[SampleRun] = field(default_factory=list)

    def planned(self, plan: Sequence[Planned]) -> list[PlannedSample]:
        """Every sample answer of the planned checkpoints, in each of their frameworks, whose files are here or asked
        for.
        """
        known = [PlannedSample(sample, own) for own in plan for sample in self.zoo.samples_of(own.checkpoint.id)]
        chosen = [planned for planned in known if self.alone or self._is_here(planned.sample)]
        if left_out := len(known) - len(chosen):
            many = counted(left_out, "sample answer")
            self.talk.say(f"{many} left out: the files are not on this machine; `zoo fetch` gets them")
        return chosen

    def look(self, planned: PlannedSample) -> None:
        """One of them, into `done`. An error is recorded and the others go on."""
        title = f"{planned.own.title}: sample answer {planned.sample.id}"
        try:
            run = self.preparation.steadily(lambda: self._run(planned))
        except FileUnavailableError as error:
            self.talk.say(f"{title}: not run: {error}")
            run = planned.missing("not_run", str(error), error.cause)
        except ZooError as error:
            self.talk.say(f"{title}: failed: {error}")
            details = getattr(error, "details", "")
            run = planned.missing("failed", f"{error}\n{details}".strip(), error.cause)
        self.done.append(run)

    def _run(self, planned: PlannedSample) -> SampleRun:
        sample = planned.sample
        located = samples.locate(sample, self.zoo.root)
        prepared = samples.planned(sample, planned.own, self.zoo.recipes)
        return samples.run(sample, located, self.preparation.task(prepared), self.settings)

    def _is_here(self, sample: SampleAnswer) -> bool:
        try:
            samples.locate(sample, self.zoo.root)
        except FileUnavailableError:
            return False
        return True
