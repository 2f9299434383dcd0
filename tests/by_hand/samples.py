"""Sample answers in the data file of a zoo, and what a run folder says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from zoo.disk import file_sha256
from zoo.records import Report, SampleRun, Verdict


def declare(folder: Path, *samples: dict[str, Any]) -> None:
    """Write sample_answers.toml of a zoo; files are named by a path and get its sha256 unless one is given."""
    sources = folder / "sources.csv"
    if not sources.is_file():
        sources.write_text("id,title,url\npage,A page,https://example.org/page\n", encoding="utf-8")
    tables = []
    for sample in samples:
        fields = {"id": "one", "source": "page", **sample}
        lines = [f"{name} = {_toml(value)}" for name, value in fields.items() if value is not None]
        tables.append("[[sample_answer]]\n" + "\n".join(lines) + "\n")
    (folder / "sample_answers.toml").write_text("\n".join(tables), encoding="utf-8")


def _toml(value: Any) -> str:
    if isinstance(value, Path):
        value = {"name": value.name, "sha256": file_sha256(value)}
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(each)}" for name, each in value.items()) + " }"
    return "[" + ", ".join(map(_toml, value)) + "]" if isinstance(value, list) else json.dumps(value)


def scores(*printed: tuple[int, str]) -> list[dict[str, Any]]:
    """(output, printed text) as the data file has them."""
    return [{"output": output, "value": value} for output, value in printed]


def judged(report: Report) -> dict[str, Verdict]:
    """Verdicts on sample answers by the answer's id."""
    return {verdict.claim_id or "": verdict for verdict in report.verdicts if verdict.topic == "sample_answers"}


def a_sample_run(**changes: Any) -> SampleRun:
    """Three logits of a float network, for the sample answer "one"."""
    fields: dict[str, Any] = {
        "key": "5a" * 32, "sample": "one", "checkpoint": "a/net", "framework": "torch", "recipe": "r",
        "label_map": "three", "input": "cat.jpg", "input_sha256": "c" * 64, "input_verified": True,
        "sha256": "a" * 64, "hash_verified": True, "threads": 1, "precision": "fp32", "integer_sums": "none",
        "outputs": (1.0, 3.0, -0.5), "status": "done",
    }  # fmt: skip
    if changes.get("status", "done") != "done":
        fields |= {"outputs": (), "key": ""}
    return SampleRun(**(fields | changes))
