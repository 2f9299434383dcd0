"""Plants every fault, runs the suite on it as a user does, and says what it noticed and named.

    python -m tests.faults.measure [--only GLOB] [--kind GLOB] [--forms first|all] [--verdicts-only] [--known]
                                    [--out FILE.md] [--fresh]

Every result is written at once as a line of build/faults.jsonl; a fault in a form that stands there already is not run
again unless --fresh is given. Real networks are tried where ZOO_ASSETS has them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tests.by_hand.built import REPOSITORY
from tests.faults import catalogue, table
from tests.faults.base import REAL, Fault, Form
from tests.faults.planting import Planted, planted
from tests.faults.setups import Setup, good
from tests.faults.table import Result

UNFORESEEN = 70  # the exit code of an error that nobody thought of
RESULTS = REPOSITORY / "build" / "faults.jsonl"


def measured(fault: Fault, form: Form, setup: Setup, folder: Path, *, why: bool = True) -> Result:
    """One fault in one form, end to end. A healthy one is asked why although nothing is wrong with it.

    why: whether causes are asked for; without it the verdicts alone are looked at.
    """
    made = planted(fault, form, setup, folder / "zoo")
    started = time.monotonic()
    done = made.run(folder / "run", *(["--diagnose"] if why and not form.reference else []))
    seconds = time.monotonic() - started
    path = folder / "run" / "report.json"
    if not path.is_file():
        return Result.failed(fault, form, (done.stderr or done.stdout).strip()[-600:], seconds)
    report = json.loads(path.read_text(encoding="utf-8"))
    if (fault.healthy or form.reference) and why:
        started = time.monotonic()
        report = _asked_why(made, folder / "run")
        seconds = time.monotonic() - started
    if done.returncode == UNFORESEEN:
        return Result.failed(fault, form, done.stderr.strip()[-600:], seconds)
    return Result.of(fault, form, report, made.subject, seconds)


def _asked_why(made: Planted, out: Path) -> dict[str, Any]:
    """The report after `zoo diagnose` was asked about the run, where it would not be asked by itself."""
    right = ["--reference", str(made.right)] if made.right else []
    done = made.command("diagnose", str(out), made.subject, *right)
    report: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    if not any(each["subject"] == made.subject for each in report["diagnoses"]):
        raise RuntimeError(f"zoo diagnose says nothing of {made.subject}: {done.stderr.strip()[-600:]}")
    return report


@dataclass(frozen=True)
class Wanted:
    """Which faults to run, and in which forms."""

    only: str = "*"
    kind: str = "*"
    forms: str = "first"
    why: bool = True

    def pairs(self) -> Iterator[tuple[Fault, Form]]:
        """The first form of every fault before any other form, the kinds in turn: whatever is done says of each."""
        chosen = [
            each
            for each in (*catalogue.FAULTS, *catalogue.HEALTHY)
            if any(fnmatchcase(each.name, part) for part in self.only.split(","))
            and any(fnmatchcase(each.kind, part) for part in self.kind.split(","))
            and (each.base not in REAL or assets() is not None)
        ]
        in_turn = [each for row in zip_longest(*_by_kind(chosen)) for each in row if each is not None]
        yield from ((each, each.forms[0]) for each in in_turn)
        if self.forms == "all":
            yield from ((each, form) for each in in_turn for form in each.forms[1:])


def _by_kind(faults: Sequence[Fault]) -> list[list[Fault]]:
    kinds = dict.fromkeys(each.kind for each in faults)
    return [[each for each in faults if each.kind == kind] for kind in kinds]


@cache
def assets() -> Path | None:
    """Real weights and images, where there are any."""
    folder = Path(os.environ.get("ZOO_ASSETS", REPOSITORY.parent / "shared" / "assets"))
    return folder if (folder / "SHA256SUMS").is_file() else None


_good = cache(good)


def known(path: Path) -> dict[tuple[str, str], Result]:
    """Results that were written before; of one fault and form the latest."""
    if not path.is_file():
        return {}
    results = [Result(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    return {(each.fault, each.form): each for each in results}


def run(wanted: Wanted, path: Path, *, fresh: bool) -> list[Result]:
    """Everything that is wanted, each result written as soon as it is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = {} if fresh else known(path)
    results = []
    for fault, form in wanted.pairs():
        result = before.get((fault.name, str(form)))
        if result is None:
            result = _one(fault, form, why=wanted.why)
            with path.open("a", encoding="utf-8") as out:
                out.write(json.dumps(asdict(result)) + "\n")
            print(result.line(), flush=True)
        results.append(result)
    return results


def _one(fault: Fault, form: Form, *, why: bool) -> Result:
    folder = Path(tempfile.mkdtemp(prefix="zoo-fault-"))
    try:
        return measured(fault, form, _good(fault.base, assets()), folder, why=why)
    except Exception as error:  # one that cannot be planted must not stop the others
        return Result.failed(fault, form, f"{type(error).__name__}: {error}", 0.0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="*", help="names of faults, patterns with commas between them")
    parser.add_argument("--kind", default="*", help="kinds of faults, likewise")
    parser.add_argument("--forms", choices=("first", "all"), default="first")
    parser.add_argument("--out", type=Path, help="where the table goes; default: the terminal")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--verdicts-only", action="store_true", help="do not ask for causes")
    parser.add_argument("--known", action="store_true", help="run nothing: the table of what was measured before")
    parser.add_argument("--fresh", action="store_true", help="run again what was run before")
    given = parser.parse_args()
    wanted = Wanted(given.only, given.kind, given.forms, not given.verdicts_only)
    if given.known:
        there = known(given.results)
        results = [there[key] for fault, form in wanted.pairs() if (key := (fault.name, str(form))) in there]
    else:
        results = run(wanted, given.results, fresh=given.fresh)
    text = table.written(results)
    if given.out is None:
        print(text)
    else:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
