"""A run folder: what was measured, what documents it was judged by, and the rendered reports.

report.json                     Report: conditions, runs, inspections of files, verdicts
documents.json                  the checkpoints, claims and populations it was judged by
request.json                    the arguments, for --resume
predictions/<run key>.npz       per-image answers
report.md report.html verdicts.csv runs.csv junit.xml
latency.csv                     only of a bench
benchmarks/<cell>-r<round>.json only of a bench: pytest-benchmark's files, with every single time
discordant.csv                  images that only one of two compared runs got right
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from zoo import agreement, architecture, cache, variants
from zoo.errors import RunFolderError
from zoo.predictions import Predictions
from zoo.records import (
    FORMAT,
    Checkpoint,
    Claim,
    Deviation,
    Inspection,
    LabelMap,
    LatencyRun,
    Population,
    Record,
    Report,
    Run,
    Verdict,
)
from zoo.report import Details, render_all
from zoo.report.tables import discordant_csv
from zoo.rules.base import Evidence
from zoo.rules.pairs import pairs

R = TypeVar("R", bound=Record)
NO_PICTURES: Mapping[str, str] = {}
PROBLEMS_SHOWN = 3  # of a file that is no record


class Documents(Record):
    """What verdicts were made from besides the runs, so that a run folder can be judged again anywhere.

    findings: what the audit of the whole zoo's documents says of these checkpoints. baseline: latencies of the
    earlier bench that this one was compared with.
    """

    checkpoints: tuple[Checkpoint, ...]
    claims: tuple[Claim, ...]
    populations: tuple[Population, ...]
    label_maps: tuple[LabelMap, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    findings: tuple[Verdict, ...] = ()
    baseline: tuple[LatencyRun, ...] = ()


@dataclass(frozen=True)
class RunFolder:
    """A folder on disk; every file is replaced whole."""

    path: Path

    @staticmethod
    def fresh_path() -> Path:
        """runs/<utc time>-<short id>, below the current folder."""
        return Path("runs") / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"

    def create(self, request: dict[str, Any]) -> None:
        """Make the folder and note in it what was asked for; raises CacheError."""
        self._write_text("request.json", json.dumps(request, indent=1))

    def request(self, model: type[R]) -> R:
        """The arguments it was made with, a record of that kind; raises RunFolderError."""
        return _parsed(model, self._json("request.json"), self.path / "request.json")

    def write_predictions(self, run: Run, predictions: Predictions) -> None:
        """Per-image answers of one run."""
        path = self.path / "predictions" / f"{run.key}.npz"
        with cache.explained(path):
            cache.replace(path, predictions.write)

    def predictions(self, run: Run) -> Predictions | None:
        """Per-image answers of one run, or None if they are not in the folder."""
        path = self.path / "predictions" / f"{run.key}.npz"
        return _read(path, path.stat().st_mtime_ns) if run.key and path.is_file() else None

    def evidence(
        self,
        runs: Sequence[Run],
        documents: Documents,
        tolerance: float,
        found: Sequence[Inspection] = (),
        latencies: Sequence[LatencyRun] = (),
    ) -> Evidence:
        """What rules look at: runs, their answers in this folder, what is in the files, latencies, the documents."""
        return Evidence(
            runs=runs,
            inspections=found,
            claims=documents.claims,
            checkpoints={checkpoint.id: checkpoint for checkpoint in documents.checkpoints},
            populations={population.id: population for population in documents.populations},
            label_maps={label_map.id: label_map for label_map in documents.label_maps},
            answers=self.predictions,
            tolerance=tolerance,
            deviations=documents.deviations,
            latencies=latencies,
            baseline=documents.baseline,
        )

    def write(self, report: Report, documents: Documents, thumbnails: Mapping[str, str] = NO_PICTURES) -> None:
        """report.json, documents.json and every rendered form.

        thumbnails: image id -> data URI of a small JPEG, for discordant images; none unless they are asked for.
        """
        self._write_text("documents.json", json.dumps(documents.to_json(), indent=1))
        rendered = render_all(report, documents.claims, self.details(report, documents, thumbnails))
        for name, text in rendered.items():
            self._write_text(name, text)
        evidence = self.evidence(report.runs, documents, report.conditions.tolerance)
        self._write_text("discordant.csv", discordant_csv(pairs(evidence)))

    def details(self, report: Report, documents: Documents, thumbnails: Mapping[str, str] = NO_PICTURES) -> Details:
        """What a page shows besides the records: how far the answers agree, what the networks cost, the findings."""
        groups = agreement.groups(report.runs, self.predictions, {each.id: each for each in documents.label_maps})
        pictured = [image.image for group in groups for image in group.discordant] if thumbnails else []
        costs = {
            each.checkpoint: each.measured.multiply_adds
            for each in report.inspections
            if each.measured is not None and each.measured.multiply_adds is not None
        }
        for checkpoint in documents.checkpoints:
            if checkpoint.network is not None:  # what is documented counts, measured or not
                costs[checkpoint.id] = architecture.parts(checkpoint.network).multiply_adds
        return Details(
            agreement=groups,
            thumbnails={name: uri for name in pictured if (uri := thumbnails.get(name)) is not None},
            multiply_adds=costs,
            findings=documents.findings,
            variants=tuple(
                variants.tables(report.latencies, documents.claims, {each.id: each for each in documents.checkpoints})
            ),
        )

    def report(self) -> Report:
        """report.json; raises RunFolderError if it is missing, broken or of a newer format."""
        data = self._json("report.json")
        if isinstance(data, dict) and isinstance(data.get("format"), int) and data["format"] > FORMAT:
            raise RunFolderError(
                f"{self.path / 'report.json'}: expected format {FORMAT} or older, got {data['format']}; "
                "it was written by a newer version of this suite"
            )
        return _parsed(Report, data, self.path / "report.json")

    def documents(self) -> Documents:
        """documents.json; raises RunFolderError."""
        return _parsed(Documents, self._json("documents.json"), self.path / "documents.json")

    def _write_text(self, name: str, text: str) -> None:
        with cache.explained(self.path / name):
            cache.replace_text(self.path / name, text)

    def _json(self, name: str) -> Any:
        path = self.path / name
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise RunFolderError(f"{self.path} is not a run folder: it has no {name}") from None
        except OSError as error:
            raise RunFolderError(f"{path}: cannot be read: {error.strerror or error}") from None
        except (ValueError, RecursionError) as error:
            raise RunFolderError(f"{path}: not readable as JSON: {error}") from None


@lru_cache(maxsize=32)
def _read(path: Path, modified: int) -> Predictions:
    """Answers on disk, remembered: each rule asks for those of each run. modified: its time, ns."""
    return Predictions.read(path)


def _parsed(model: type[R], data: Any, path: Path) -> R:
    if not isinstance(data, dict):
        raise RunFolderError(f"{path}: expected a JSON object, got {type(data).__name__}")
    try:
        return model.from_json(data)
    except ValidationError as error:
        raise RunFolderError(f"{path}: {_problems(error)}") from None


def _problems(error: ValidationError) -> str:
    """The first things that are wrong, each with its field and what stands there, in one line."""
    found = [
        f"field {'.'.join(map(str, each['loc'])) or '(all)'}: {each['msg']}, got {each['input']!r:.60}"
        for each in error.errors(include_url=False)[:PROBLEMS_SHOWN]
    ]
    more = error.error_count() - len(found)
    return "; ".join([*found, f"and {more} more"] if more else found)
