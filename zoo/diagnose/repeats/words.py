"""What the looks at repeated answers find, as records."""

from __future__ import annotations

import shlex
from typing import Any

from zoo.diagnose.repeats.scores import Difference, Repeated
from zoo.documents.formatting import counted
from zoo.records.diagnoses import Candidate, Excluded, Findings


def largest(*found: Difference) -> str:
    worst = max(found, key=lambda each: each.relative)
    return f"scores of {counted(worst.n, 'image')} differ by at most {worst.relative:.1g} of the largest"


def excluded(cause: str, title: str, by: str) -> Findings:
    return Findings(excluded=(Excluded(cause=cause, title=title, by=by),))


def named(
    seen: Repeated, cause: str, title: str, evidence: str, change: str, images: int, *options: str, **more: Any
) -> Findings:
    fields: dict[str, Any] = {"certainty": "shown", "command": shlex.join([*seen.command, "--fresh", *options]), **more}
    found = Candidate(cause=cause, title=title, evidence=evidence, change=change, images=images, **fields)
    return Findings(candidates=(found,))
