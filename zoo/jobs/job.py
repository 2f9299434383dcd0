"""What the two jobs have in common: what was asked for becomes a plan, and what was measured a run folder."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from zoo import __version__, machine
from zoo.checkpoints import inspections
from zoo.documents.load import load_zoo
from zoo.errors import ZooError
from zoo.images import preprocess
from zoo.jobs import judging
from zoo.jobs.image_source import ImageSource
from zoo.jobs.judging import NO_PICTURES
from zoo.jobs.request import JobRequest
from zoo.measure import selection
from zoo.measure.accuracy import Evaluation
from zoo.measure.preparation import Planned, Preparation
from zoo.progress import Talk
from zoo.records import Conditions, Documents, Inspection, Report
from zoo.runs.folder import RunFolder

AnyRequest = TypeVar("AnyRequest", bound=JobRequest)
T = TypeVar("T")
Failure = TypeVar("Failure")


class Job(Generic[AnyRequest]):
    """Checkpoints in frameworks, as they were asked for; the folder is written whenever something is done.

    plan: each checkpoint with its framework and recipe, in the order of the zoo; source: the images.
    """

    source: ImageSource

    def __init__(self, request: AnyRequest, folder: RunFolder, talk: Talk, *, numeric: str | None = None) -> None:
        """numeric: id of numeric steps in place of the checkpoints' own. Raises UsageError, ManifestError."""
        self.request, self.folder, self.talk = request, folder, talk
        self.zoo = load_zoo(request.zoo)
        chosen = selection.checkpoints(self.zoo, request.checkpoints)
        self.plan = [
            Planned(checkpoint, entry, selection.recipe_in_effect(self.zoo, checkpoint, request.recipe, numeric))
            for checkpoint, entry in selection.pairs(chosen, request.frameworks)
        ]
        self.preparation = Preparation(self.zoo, talk)

    def attempt(self, work: Callable[[], T], failed: Callable[[ZooError], Failure]) -> T | Failure:
        """What `work` gives, or the record that `failed` makes of its error: the others go on."""
        try:
            return self.preparation.steadily(work)
        except ZooError as error:
            return failed(error)

    def inspected(self, evaluation: Evaluation, *, fresh: bool = False) -> Inspection:
        """The bytes of a task's files, and what is measured inside them.

        Another framework sees a file through its own conversion: only the format's own says what is in it.
        """
        task = evaluation.task
        inspection = inspections.of_bytes(task.checkpoint, task.environment.framework.name, task.located)
        if inspection.framework != task.checkpoint.framework:
            return inspection
        return inspections.measured(inspection, task.checkpoint, task.environment, evaluation.inspect, fresh=fresh)

    def documents(self) -> Documents:
        """What the zoo says of the planned checkpoints."""
        checkpoints = {planned.checkpoint.id: planned.checkpoint for planned in self.plan}
        return Documents(
            checkpoints=tuple(checkpoints.values()),
            claims=tuple(claim for claim in self.zoo.claims.values() if claim.checkpoint in checkpoints),
            populations=tuple(self.zoo.populations.values()),
            label_maps=tuple(self.zoo.label_maps.values()),
            deviations=tuple(self.zoo.deviations.values()),
        )

    def conditions(self) -> Conditions:
        """What holds for everything that is measured now, on images of which nothing is claimed."""
        return Conditions(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            command=self.request.arguments(),
            suite_version=__version__,
            python=platform.python_version(),
            platform=platform.platform(),
            processor=machine.processor(),
            instruction_sets=machine.instruction_sets(),
            variables=machine.variables(),
            cores=machine.cores(),
            zoo=self.zoo.name,
            image_set=self.source.set.name,
            images=len(self.source.set.images),
            images_digest=self.source.digest,
            population="other",
            decoders=preprocess.versions(),
        )

    def unjudged(self, **measured: Any) -> Report:
        """A report without verdicts. measured: fields of the report, such as `latencies`."""
        return Report(conditions=self.conditions(), verdicts=(), **{"runs": (), **measured})

    def write(self, thumbnails: Mapping[str, str] = NO_PICTURES, **measured: Any) -> tuple[Report, Documents]:
        """Judge what is measured by now and write the run folder. measured: fields of the report."""
        documents = self.documents()
        report = judging.judged(self.unjudged(**measured), documents, self.folder)
        judging.write(self.folder, report, documents, thumbnails)
        return report, documents
