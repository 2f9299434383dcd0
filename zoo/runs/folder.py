"""A run folder: what was measured, the documents that it was judged by, and the rendered reports.

report.json                     Report: conditions, runs, inspections of files, verdicts; digests of the next two
documents.json                  the checkpoints, claims and populations it was judged by
predictions/<run key>.npz       per-image answers
references/<sha256>.npz         what was known beforehand of the images of a run that was drawn by it
request.json                    the arguments, for --resume
report.md report.html verdicts.csv runs.csv junit.xml
latency.csv                     only of a bench
benchmarks/<cell>-r<round>.json only of a bench: pytest-benchmark's files, with every single time
discordant.csv                  images that only one of two compared runs got right

The first four are read again, and only if they are whole (zoo.kept), because they cannot be made again.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from pydantic import ValidationError

from zoo import disk, drawing, kept
from zoo.errors import DamagedError, RunFolderError
from zoo.records import FORMAT, Documents, Record, Report, Run
from zoo.records.predictions import Predictions
from zoo.records.references import Reference

R = TypeVar("R", bound=Record)
MEND = "put back a whole copy of the run folder, or make the run again (`zoo validate --resume RUN`)"
PROBLEMS_SHOWN = 3  # of a file that is no record


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
        kept.write_json(self.path / "request.json", "request.json", request)

    def request(self, model: type[R]) -> R:
        """The arguments it was made with, a record of that kind; raises RunFolderError."""
        return _parsed(model, self._json("request.json"), self.path / "request.json")

    def write_predictions(self, run: Run, predictions: Predictions) -> None:
        """Per-image answers of one run."""
        kept.write(self._answers(run), run.key, predictions.write)

    def predictions(self, run: Run) -> Predictions | None:
        """Per-image answers of one run; None of a run that is not done, or whose answers are not in the folder.

        Raises RunFolderError where they are damaged; `report` takes such a run for one that failed.
        """
        path = self._answers(run)
        return _read(path, run.key, _stamp(path)) if run.status == "done" and run.key and path.is_file() else None

    def write_reference(self, reference: Reference) -> None:
        """Answers by which images of a run are drawn."""
        kept.write(self._reference(reference.digest), reference.digest, reference.write)

    def reference(self, run: Run) -> Reference | None:
        """Answers by which a run's images were drawn; None of other runs, and of those that failed or saw all images.

        Raises RunFolderError where they are damaged or missing, as the run cannot be judged without them; `report`
        takes such a run for one that failed.
        """
        if run.drawn is None or not run.is_estimated:
            return None
        path = self._reference(run.drawn.sha256)
        try:
            return _read_reference(path, run.drawn.sha256, _stamp(path))
        except FileNotFoundError:
            raise RunFolderError(f"{path} is missing; {MEND}") from None

    def references(self) -> list[Reference]:
        """Every one that is in the folder. Raises RunFolderError."""
        paths = sorted((self.path / "references").glob("*.npz"))
        return [_read_reference(path, path.stem, _stamp(path)) for path in paths]

    def write(self, report: Report, documents: Documents) -> Report:
        """report.json and documents.json; the report as it was written, with the digests of its answers."""
        judged_by = documents.to_json()
        kept.write_json(self.path / "documents.json", "documents.json", judged_by)
        digests = {"answers": self._digests(report.runs), "documents": kept.digest_of_json(judged_by)}
        report = report.changed(**digests, format=FORMAT, seal=None)
        kept.write_json(self.path / "report.json", "report.json", report.to_json())
        return report

    def write_text(self, name: str, text: str) -> None:
        """Any other file, such as a rendered form of the report."""
        with disk.explained(self.path / name):
            disk.replace_text(self.path / name, text)

    def report(self) -> Report:
        """report.json. A run whose answers are not whole, or do not give its counts, is one that failed.

        Raises RunFolderError if report.json is missing, damaged or of a newer format.
        """
        return self._examined()[0]

    def damages(self) -> tuple[str, ...]:
        """A sentence for each run whose answers cannot be believed; raises as `report` does."""
        return self._examined()[1]

    def documents(self) -> Documents:
        """documents.json; raises RunFolderError."""
        data, path, stored = self._json("documents.json"), self.path / "documents.json", self._stored()
        if stored.format > 1 and kept.digest_of_json(data) != stored.documents:
            raise RunFolderError(f"{path}: it is not the file that report.json was written with; {MEND}")
        return _parsed(Documents, data, path)

    def _examined(self) -> tuple[Report, tuple[str, ...]]:
        answers = (path for name in ("predictions", "references") for path in sorted((self.path / name).glob("*.npz")))
        files = [self.path / "report.json", *answers]
        return _examine(self, tuple((path, *_stamp(path)) for path in files if path.is_file()))

    def _stored(self) -> Report:
        """report.json as it is."""
        return _parsed(Report, self._json("report.json"), self.path / "report.json")

    def _fault(self, run: Run, stored: Report) -> str:
        """Why a finished run's answers cannot be believed; empty where they can, or were never here."""
        path, listed = self._answers(run), stored.answers.get(run.key)
        if not path.is_file():
            return f"{path} is missing" if listed else ""
        try:
            predictions, stated = self.predictions(run), kept.stated_digest(path)
        except (RunFolderError, DamagedError) as error:
            return str(error)
        assert predictions is not None
        if stored.format > 1 and stated != listed:
            return f"{path}: it is not the file that report.json was written with"
        try:
            reference = self.reference(run)
        except RunFolderError as error:
            return str(error).removesuffix(f"; {MEND}")  # which follows for every run that failed
        drawn = None if run.recounts else run.drawn  # of fewer labelled images nothing is judged
        if reference and drawn and not drawing.is_drawn(reference, drawn.rule, drawn.seed, predictions.ids):
            return f"{path}: its images do not come in the order of a draw by {drawn.reference}"
        counted = len(predictions.ids), int(predictions.top1.sum()), int(predictions.top5.sum())
        reported = run.n, run.top1_correct, run.top5_correct
        if counted != reported:
            return f"{path}: by its answers n, top-1 and top-5 are {counted}, report.json says {reported}"
        return ""

    def _answers(self, run: Run) -> Path:
        return self.path / "predictions" / f"{run.key}.npz"

    def _reference(self, sha256: str) -> Path:
        return self.path / "references" / f"{sha256}.npz"

    def _digests(self, runs: Sequence[Run]) -> dict[str, str]:
        """Of the answers that are here, by the keys of their runs; answers from before format 2 get their digest."""
        digests = {}
        for run in runs:
            path = self._answers(run)
            if run.status == "done" and run.key and path.is_file():
                if kept.stated_digest(path) is None:
                    kept.write(path, run.key, partial(_copy, path.read_bytes()))
                digests[run.key] = kept.stated_digest(path) or ""
        return digests

    def _json(self, name: str) -> dict[str, Any]:
        """The content of a sealed file; files from before format 2 have no seal."""
        path = self.path / name
        try:
            data = kept.parsed(path)
            written = data.get("format", 1)
            if isinstance(written, int) and written > FORMAT:
                raise RunFolderError(
                    f"{path}: expected format {FORMAT} or older, got {written}; "
                    "it was written by a newer version of this suite"
                )
            return data if kept.SEAL not in data and written == 1 else kept.unsealed(data, name, path)
        except FileNotFoundError:
            raise RunFolderError(f"{self.path} is not a run folder: it has no {name}") from None
        except DamagedError as error:
            raise RunFolderError(f"{error}; {MEND}") from None


def _stamp(path: Path) -> tuple[int, int, int]:
    """What changes with a file: inode, size, time."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


@lru_cache(maxsize=8)
def _examine(folder: RunFolder, stamps: tuple[object, ...]) -> tuple[Report, tuple[str, ...]]:
    """A report whose runs were held against their answers, and what was wrong. stamps: of the files, as they are."""
    stored = folder._stored()
    faults = {run.key: folder._fault(run, stored) for run in stored.runs if run.status == "done"}
    runs = tuple(_failed(run, faults[run.key]) if faults.get(run.key) else run for run in stored.runs)
    damages = tuple(f"{run.subject}: {run.error}" for run in runs if faults.get(run.key))
    return stored.changed(runs=runs), damages


def _failed(run: Run, why: str) -> Run:
    gone = {"n": 0, "top1_correct": 0, "top5_correct": 0, "top1_ties": 0, "top5_ties": 0}
    return run.changed(**gone, status="failed", error=f"{why}; {MEND}")


@lru_cache(maxsize=32)
def _read(path: Path, key: str, stamp: tuple[int, ...]) -> Predictions:
    """Answers on disk, remembered: each rule asks for those of each run. stamp: of the file, as it is."""
    try:
        plain = kept.stated_digest(path) is None  # from before format 2
        return Predictions.parse(path.read_bytes() if plain else kept.content(path, key), path)
    except (DamagedError, OSError) as error:
        raise RunFolderError(str(error)) from None


@lru_cache(maxsize=8)
def _read_reference(path: Path, sha256: str, stamp: tuple[int, ...]) -> Reference:
    """Raises RunFolderError."""
    try:
        reference = Reference.parse(kept.content(path, sha256), path)
    except (DamagedError, OSError) as error:
        raise RunFolderError(f"{error}; {MEND}") from None
    if reference.digest != sha256:
        raise RunFolderError(f"{path}: its answers have sha256 {reference.digest:.12}, expected {sha256:.12}; {MEND}")
    return reference


def _copy(data: bytes, out: BinaryIO) -> None:
    out.write(data)


def _parsed(model: type[R], data: Any, path: Path) -> R:
    if not isinstance(data, dict):
        raise RunFolderError(f"{path}: expected a JSON object, got {type(data).__name__}")
    try:
        return model.from_json(data)
    except ValidationError as error:
        raise RunFolderError(f"{path}: {_problems(error)}") from None


def _problems(error: ValidationError) -> str:
    """The first things that are wrong, each with its field and what stands there, in one line."""
    problems = [
        f"field {'.'.join(map(str, each['loc'])) or '(all)'}: {each['msg']}, got {each['input']!r:.60}"
        for each in error.errors(include_url=False)[:PROBLEMS_SHOWN]
    ]
    more = error.error_count() - len(problems)
    return "; ".join([*problems, f"and {more} more"] if more else problems)
