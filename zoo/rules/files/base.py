"""What the rules on checkpoint files (rules P and S) share."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.records import Checkpoint, Inspection, Measured, Outcome, Verdict
from zoo.rules.base import Evidence, Rule
from zoo.rules.findings import Finding


class FileRule(Rule):
    """A rule on what is in the files of a checkpoint."""

    topic = "files"

    def on_file(
        self, inspection: Inspection, checkpoint: Checkpoint, reason: str, finding: Finding | None = None
    ) -> Verdict:
        """A verdict on a file against the record of its checkpoint. finding: what is wrong, or None."""
        outcome: Outcome = "fail" if finding else "pass"
        return self.verdict(inspection, outcome, reason, finding=finding, sources=checkpoint.sources)


def known(evidence: Evidence) -> Iterator[tuple[Inspection, Checkpoint]]:
    """Inspections with the records of their checkpoints."""
    for inspection in evidence.inspections:
        if inspection.checkpoint in evidence.checkpoints:
            yield inspection, evidence.checkpoints[inspection.checkpoint]


def looked_into(evidence: Evidence) -> Iterator[tuple[Inspection, Checkpoint, Measured]]:
    """Those whose files an adapter has measured."""
    for inspection, checkpoint in known(evidence):
        if inspection.measured is not None:
            yield inspection, checkpoint, inspection.measured
