"""`zoo validate`, the main job: runs what was asked for, judges it, and leaves a run folder."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from zoo.documents.formatting import counted
from zoo.jobs import audit, thumbnails
from zoo.jobs.image_source import ImageSource, has_images, with_more_labels
from zoo.jobs.job import Job
from zoo.jobs.judging import NO_PICTURES
from zoo.jobs.request import Request
from zoo.jobs.run_maker import RunMaker
from zoo.jobs.samples import SampleJob
from zoo.jobs.until_decided import UntilDecided
from zoo.measure.accuracy import Settings
from zoo.progress import Talk
from zoo.records import Conditions, Report, Run, Verdict
from zoo.records.reports import Documents, MoreLabels
from zoo.runs.folder import RunFolder


class Validation(Job[Request]):
    """Everything that was asked for, run after run; the folder is written after each."""

    def __init__(self, request: Request, folder: RunFolder, talk: Talk, *, fresh: bool = False) -> None:
        """Raises UsageError, ManifestError or ImageSetError before anything is run."""
        super().__init__(request, folder, talk, numeric=request.numeric)
        self.settings = Settings(request.threads, request.batch_size, arithmetic=request.arithmetic, fresh=fresh)
        answered = {sample.checkpoint for sample in self.zoo.sample_answers.values()}
        with_samples = [planned for planned in self.plan if planned.checkpoint.id in answered]
        alone = bool(with_samples) and not request.asks_for_images() and not has_images(self.zoo)
        self.samples = SampleJob(self.zoo, self.preparation, self.settings, talk, alone=alone)
        if alone:
            left_out = counted(len({planned.checkpoint.id for planned in self.plan}), "checkpoint")
            talk.say(f"no --images: only sample answers are checked; no accuracy of {left_out} is validated")
            self.plan = with_samples
        self.source = (
            ImageSource.nothing(self.zoo, talk) if alone else ImageSource.of(self.zoo, request, talk, fresh=fresh)
        )
        self.more_labels = with_more_labels(self.zoo, request, self.source, talk) if request.more_labels else None
        self.maker = RunMaker(self, self.settings)
        self._done: dict[int, list[Run]] = {}  # by the number in the plan

    def execute(self) -> tuple[Report, Documents]:
        """Make every run and judge them. A run that fails is recorded and the others go on; Ctrl-C records the rest
        as not run, so that --resume completes the folder, and is raised again.
        """
        samples = self.samples.planned(self.plan)
        try:
            for sample in samples:
                self.samples.look(sample)
                self._write()
            if self.samples.alone:
                return self._write()
            if self.request.sample == "auto":
                UntilDecided(self, self.maker, self._finish).execute()
            else:
                for number, planned in enumerate(self.plan):
                    self._finish({number: self.maker.evaluated(planned, self.source, self.more_labels)})
        except KeyboardInterrupt:
            why = f"interrupted; zoo validate --resume {self.folder.path} goes on"
            unseen = samples[len(self.samples.done) :]
            self.samples.done += [sample.missing("not_run", why, "interrupted") for sample in unseen]
            for number, planned in enumerate([] if self.samples.alone else self.plan):
                self._done.setdefault(number, [self.maker.missing(planned, "not_run", why, "interrupted")])
            self._write()
            raise
        return self._write()

    def _finish(self, runs: dict[int, list[Run]]) -> None:
        """Runs by their number in the plan: they stand in the folder from now on."""
        self._done |= runs
        self._write()

    def _write(self) -> tuple[Report, Documents]:
        pictures = thumbnails.Thumbnails(self.source.set) if self.request.thumbnails else NO_PICTURES
        samples = tuple(self.samples.done)
        runs = tuple(run for number in sorted(self._done) for run in self._done[number])
        return self.write(pictures, runs=runs, samples=samples, inspections=tuple(self.maker.inspections.values()))

    def documents(self) -> Documents:
        """What the zoo says of the planned checkpoints, and what the audit finds in it."""
        documents = super().documents()
        ids = {checkpoint.id for checkpoint in documents.checkpoints}
        samples = tuple(sample for sample in self.zoo.sample_answers.values() if sample.checkpoint in ids)
        return documents.changed(findings=self._findings, sample_answers=samples)

    @cached_property
    def _findings(self) -> tuple[Verdict, ...]:
        return audit.about(self.zoo, {planned.checkpoint.id for planned in self.plan})

    def conditions(self) -> Conditions:
        """What holds for every run, with what the images are of a population."""
        kind, name = self.source.population
        limits = {each: getattr(self.request, each) for each in ("tolerance", "margin", "margin_quantised")}
        how = self.source.whole.recognised.how
        return super().conditions().changed(
            population=kind, population_id=name, recognition=how, more_labels=self._more_labels(), **limits
        )  # fmt: skip

    def _more_labels(self) -> MoreLabels | None:
        source = self.more_labels
        if source is None:
            return None
        kind, name = source.population
        return MoreLabels(
            label_file=Path(self.request.more_labels or "").name,
            image_set=source.set.name,
            images_digest=source.digest,
            population=kind,
            population_id=name,
            recognition=source.whole.recognised.how,
        )
