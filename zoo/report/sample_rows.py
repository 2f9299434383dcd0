"""One row per sample answer that was looked at, with its verdict."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.records import Report, SampleRun, Verdict
from zoo.report import text

TITLE = "Sample answers"
HEADS = ("framework", "checkpoint", "sample answer", "printed / here (allowed)", "verdict")


@dataclass(frozen=True, kw_only=True)
class SampleRow:
    """What every rendering shows; all fields are text that is ready to be escaped.

    compared: where the difference is largest, or the highest outputs where nothing else is printed.
    """

    framework: str
    checkpoint: str
    sample: str
    compared: str
    outcome: str
    words: str
    reason: str

    @property
    def cells(self) -> tuple[str, ...]:
        """Under HEADS."""
        return self.framework, self.checkpoint, self.sample, self.compared, self.words


def sample_rows(report: Report) -> list[SampleRow]:
    """In the order in which they were looked at."""
    verdicts = {
        (verdict.run or "", verdict.subject, verdict.claim_id): verdict
        for verdict in report.verdicts
        if verdict.topic == "sample_answers"
    }
    return [_row(run, verdicts.get((run.key, run.subject, run.sample))) for run in report.samples]


def _row(run: SampleRun, verdict: Verdict | None) -> SampleRow:
    outcome = verdict.outcome if verdict is not None and run.status == "done" else run.status
    compared = text.one_line(verdict.arithmetic) if verdict is not None else ""
    return SampleRow(
        framework=text.one_line(run.framework),
        checkpoint=text.one_line(run.checkpoint),
        sample=text.one_line(run.sample),
        compared=compared or text.ABSENT,
        outcome=outcome,
        words=text.outcome_name(outcome),
        reason=text.one_line(verdict.reason) if verdict is not None else text.first_line(run.error or ""),
    )
