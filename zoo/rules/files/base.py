"""What the rules on checkpoint files (rules P and S) share."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.documents.formatting import quoted
from zoo.records import Checkpoint, Claim, Inspection, Measured, Outcome, Verdict
from zoo.rules.base import Evidence, Rule
from zoo.rules.claims.findings import Finding


class FileRule(Rule):
    """A rule on what was found in the files of a checkpoint."""

    def made(
        self,
        inspection: Inspection,
        outcome: Outcome,
        reason: str,
        checkpoint: Checkpoint | None = None,
        claim: Claim | None = None,
        measured: float | None = None,
        finding: Finding | None = None,
    ) -> Verdict:
        """A verdict; its sources are the claim's, else those of the checkpoint's record. measured: in claim units.

        finding: for the outcomes "fail" and "refuted", its class and size.
        """
        verdict = Verdict(
            rule=self.id,
            subject=inspection.subject,
            outcome=outcome,
            claim_id=claim.id if claim else None,
            documented=claim.number() if claim else None,
            measured=measured,
            reason=reason,
            sources=(claim.source,) if claim else checkpoint.sources if checkpoint else (),
            printed=(quoted(claim),) if claim else (),
        )
        return verdict.changed(**finding.fields()) if finding else verdict


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
