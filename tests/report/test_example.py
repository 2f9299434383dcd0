"""The generated examples in reports/ are what is generated.

`python -m tests.report.test_example RUN` writes reports/embedded.md and reports/embedded.html anew from a run folder of
`zoo validate`; read the difference before you keep it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.by_hand.built import REPOSITORY
from zoo.jobs import judging
from zoo.records import Report, Run, Verdict
from zoo.report import render_all
from zoo.runs.folder import RunFolder

REPORTS = REPOSITORY / "reports"
NAMES = {"embedded.md": "report.md", "embedded.html": "report.html"}
OMITTED = "left out"
WHAT = "Times, versions and the machine are left out of this example"


def timeless(report: Report) -> Report:
    """Without what differs from one machine or day to another: times, versions, and hashes that depend on them."""
    conditions = report.conditions.changed(
        **{name: OMITTED for name in ("created", "suite_version", "python", "platform", "processor")}
        | {"created": WHAT, "cores": 1, "decoders": {}, "instruction_sets": (), "variables": {}}
    )
    keys: dict[str | None, str] = {run.key: f"{OMITTED} {number}" for number, run in enumerate(report.runs, 1)}
    return report.changed(
        conditions=conditions,
        runs=tuple(_timeless_run(run, keys) for run in report.runs),
        verdicts=tuple(_timeless_verdict(verdict, keys) for verdict in report.verdicts),
    )


def _timeless_run(run: Run, keys: Mapping[str | None, str]) -> Run:
    gone = {"key": keys[run.key], "seconds": 0.0, "images_per_second": 0.0, "threads": 1, "sha256": "", "versions": {}}
    return run.changed(**gone, reused=False, kernels="", instruction_sets=())


def _timeless_verdict(verdict: Verdict, keys: Mapping[str | None, str]) -> Verdict:
    """How far scores differ depends on the processor; that they hardly do is the verdict."""
    reason = re.sub(r"differ by at most \S+ %, on average by \S+ % of their spread", "hardly differ", verdict.reason)
    changed = {"measured": None} if reason != verdict.reason else {}
    runs = {name: keys.get(getattr(verdict, name)) for name in ("run", "against")}
    return verdict.changed(**runs, reason=reason, **changed)


def generated(folder: RunFolder) -> dict[str, str]:
    """File name in reports/ -> text."""
    report, documents = folder.report(), folder.documents()
    extras = judging.extras(folder, report, documents)
    texts = render_all(timeless(report), documents.claims, extras)
    return {name: texts[source] for name, source in NAMES.items()}


@pytest.mark.slow
def test_example_is_what_a_run_gives(embedded_run: tuple[Path, str]) -> None:
    for name, text in generated(RunFolder(embedded_run[0])).items():
        assert text == (REPORTS / name).read_text(encoding="utf-8"), name


def test_example_names_no_machine() -> None:
    for name in NAMES:
        text = (REPORTS / name).read_text(encoding="utf-8")
        assert WHAT in text
        assert not re.search(r"/home/|/tmp/|/root/|Linux-", text)


if __name__ == "__main__":
    for name, text in generated(RunFolder(Path(sys.argv[1]))).items():
        (REPORTS / name).write_text(text, encoding="utf-8")
