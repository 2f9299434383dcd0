"""The conditions of a run folder, as pairs of a name and a value."""

from __future__ import annotations

import shlex

from zoo.records import Conditions, LatencyRun, Report, Run
from zoo.report import text

RUN_HEADS = (
    "run", "recipe", "threads", "precision", "integer sums", "instruction sets", "batch", "seconds", "versions",
    "file sha256", "run key",
)  # fmt: skip
LATENCY_HEADS = (
    "latency run", "recipe", "batch", "threads asked, read", "live threads", "most cores used", "processes",
    "precision", "integer sums", "versions", "settings", "processor", "session", "file sha256",
)  # fmt: skip


def of_parts(report: Report) -> list[tuple[str, list[tuple[str, str]]]]:
    """(title, pairs) for the whole report, or for each run folder that it was merged from."""
    if not report.parts:
        return [("Of the whole run", general(report.conditions))]
    return [
        (text.one_line(f"Of {part.folder}: {text.counted(len(part.runs), 'run')}"), general(part.conditions))
        for part in report.parts
    ]


def general(conditions: Conditions) -> list[tuple[str, str]]:
    """What holds for all runs."""
    how = conditions.recognition
    shown = [
        ("made", conditions.created),
        ("command", shlex.join(conditions.command)),
        ("images", text.images_sentence(conditions)),
        ("image list sha256", conditions.images_digest),
        *((("label list sha256", how.labels_digest),) if how.labels_digest else ()),
        *((("copies", "; ".join(how.copies_listed)),) if how.copies else ()),
        ("zoo", conditions.zoo),
        ("tolerance", f"{text.percent(conditions.tolerance)} points on both sides of a documented accuracy"),
        ("suite", conditions.suite_version),
        ("Python", conditions.python),
        ("decoders", _versions(conditions.decoders)),
        ("platform", conditions.platform),
        ("processor", processor(conditions)),
        ("variables", ", ".join(f"{name}={value}" for name, value in conditions.variables.items())),
    ]
    return [(head, text.one_line(value) or text.ABSENT) for head, value in shown]


def processor(conditions: Conditions) -> str:
    """Name, cores and instruction sets: "AMD EPYC, 2 cores, avx2 fma"."""
    return _with_sets(f"{conditions.processor}, {text.counted(conditions.cores, 'core')}", conditions)


def _with_sets(name: str, of: Conditions | LatencyRun) -> str:
    return f"{name}, {' '.join(of.instruction_sets)}" if of.instruction_sets else name


def _sums(run: Run | LatencyRun) -> str:
    """How products of integers were added: "exact (session.x64quantprecision=1)", "cut off at 16 bits, as shipped"."""
    words: str = "cut off at 16 bits" if run.integer_sums == "saturating" else run.integer_sums
    words += f" ({run.kernels})" if run.kernels else ""
    return words + ", as shipped" * (run.arithmetic == "as-shipped")


def of_run(run: Run) -> tuple[str, ...]:
    """What holds for one run, in the order of RUN_HEADS."""
    verified = "as published" if run.hash_verified else "not compared with a published hash"
    cells = (
        run.subject,
        run.recipe,
        str(run.threads),
        run.precision,
        _sums(run),
        " ".join(run.instruction_sets),
        str(run.batch_size),
        f"{run.seconds:.1f}" + (" (reused)" if run.reused else ""),
        _versions(run.versions),
        f"{run.sha256} ({verified})" if run.sha256 else "",
        run.key,
    )
    return tuple(text.one_line(cell) or text.ABSENT for cell in cells)


def of_latency(run: LatencyRun) -> tuple[str, ...]:
    """What holds for one latency run, in the order of LATENCY_HEADS."""
    done = run.status == "done"
    cells = (
        run.subject,
        run.recipe,
        str(run.batch_size),
        f"{run.threads}, {run.threads_read if done else text.ABSENT}",
        str(run.live_threads) if done else "",
        f"{max(each.cores_used for each in run.rounds):.2f}" if run.rounds else "",
        str(run.processes) if done else "",
        run.precision,
        _sums(run),
        _versions(run.versions),
        ", ".join(f"{name}={value}" for name, value in sorted(run.settings.items())),
        _with_sets(run.processor, run),
        run.session,
        run.sha256 or ("untrained" if run.untrained else ""),
    )
    return tuple(text.one_line(cell) or text.ABSENT for cell in cells)


def _versions(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
