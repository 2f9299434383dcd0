"""Rules C: what training logs print, against the schedule that is documented."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from zoo.records import Verdict
from zoo.records.statements import LearningRates, Steps
from zoo.rules import findings
from zoo.rules.base import Evidence
from zoo.rules.claims.base import DocumentRule

LONGEST = 1000  # epochs that are tried
DEVICES = 64


class CosineLog(DocumentRule):
    """Printed learning rates follow a cosine over the documented number of epochs."""

    id = "C701"
    remedy = "the configuration the log was made with"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each printed log."""
        for statement in evidence.stated(LearningRates):
            lengths = [epochs for epochs in range(1, LONGEST + 1) if epochs_fit(statement, epochs)]
            holds = statement.epochs in lengths
            wanted = ", ".join(_rates(statement, statement.epochs))
            reason = f"a cosine over {statement.epochs} epochs" if holds else (
                f"not a cosine over {statement.epochs} epochs, which gives {wanted}; "
                + (f"over {_shown(lengths)} it is the printed one" if lengths else "no length gives them")
            )  # fmt: skip
            angle = lengths[0] if lengths else statement.epochs
            yield self.verdict_on(
                statement.id, None if holds else findings.plain("contradiction"), reason,
                statements=[(statement, ", ".join(statement.printed))],
                arithmetic=f"{statement.base} x (1 + cos(pi x 1 / {angle})) / 2 = {_rate(statement, angle, 1):.7f}",
            )  # fmt: skip


class StepCount(DocumentRule):
    """Printed steps per epoch are the training images divided by the images of one step on all devices."""

    id = "C702"
    remedy = "the number of devices the figure is for"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each printed number of steps."""
        for statement in evidence.stated(Steps):
            per_step = statement.batch * statement.devices
            holds = statement.printed in (statement.images // per_step, -(-statement.images // per_step))
            others = [
                n for n in range(1, DEVICES + 1) if statement.images // (statement.batch * n) == statement.printed
            ]
            other_count = (
                f"; {statement.printed} is the count of {others[0]} device{'s' * (others[0] > 1)}" if others else ""
            )
            reason = f"{statement.devices} devices with {statement.batch} images each" + other_count * (not holds)
            yield self.verdict_on(
                statement.id, None if holds else findings.plain("contradiction"), reason,
                statements=[(statement, f"{statement.printed} steps")],
                arithmetic=f"{statement.images:,} / ({statement.batch} x {statement.devices}) = "
                f"{statement.images / per_step:,.1f}",
            )  # fmt: skip


def epochs_fit(statement: LearningRates, epochs: int) -> bool:
    """Whether a cosine over so many epochs rounds to what is printed; the first line may be epoch 0 or epoch 1."""
    return any(tuple(_rates(statement, epochs, first)) == statement.printed for first in (0, 1))


def _rates(statement: LearningRates, epochs: int, first: int = 1) -> list[str]:
    return [
        f"{_rate(statement, epochs, first + index):.{len(text.partition('.')[2])}f}"
        for index, text in enumerate(statement.printed)
    ]


def _rate(statement: LearningRates, epochs: int, epoch: int) -> float:
    return float(Decimal(statement.base)) * (1 + math.cos(math.pi * min(epoch, epochs) / epochs)) / 2


def _shown(lengths: list[int]) -> str:
    if len(lengths) == 1:
        return f"{lengths[0]} epochs"
    return f"{lengths[0]} {'or' if len(lengths) == 2 else 'to'} {lengths[-1]} epochs"
