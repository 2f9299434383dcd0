"""The conditions of a run folder, as values by their names."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from zoo.records import Conditions, LatencyRun, Report, Run, SampleRun
from zoo.report import text


def of_parts(report: Report) -> list[tuple[str, dict[str, str]]]:
    """(title, values by their names) for the whole report, or for each run folder that it was merged from."""
    if not report.parts:
        return [("Of the whole run", general(report.conditions))]
    return [
        (text.one_line(f"Of {part.folder}: {text.counted(len(part.runs), 'run')}"), general(part.conditions))
        for part in report.parts
    ]


def general(conditions: Conditions) -> dict[str, str]:
    """What holds for all runs."""
    how, second = conditions.recognition, conditions.more_labels
    return _shown(
        {
            "made": conditions.created,
            "command": shlex.join(conditions.command),
            "images": text.images_sentence(conditions),
            "image list sha256": conditions.images_digest,
            **({"label list sha256": how.labels_digest} if how.labels_digest else {}),
            **({"second label list sha256": second.recognition.labels_digest} if second else {}),
            **({"copies": "; ".join(how.copies_listed)} if how.copies else {}),
            "zoo": conditions.zoo,
            "tolerance": _tolerance(conditions.tolerance),
            "margin": (
                f"{conditions.margin * 100:g} points between two runs that should be right equally often; "
                f"{conditions.margin_quantised * 100:g} % of the first one's accuracy where one computes in integers"
            ),
            "suite": conditions.suite_version,
            "Python": conditions.python,
            "decoders": _versions(conditions.decoders),
            "platform": conditions.platform,
            "processor": processor(conditions),
            "variables": _assigned(conditions.variables.items()),
        }
    )


def _tolerance(given: float | None) -> str:
    how = "as measured for each geometry" if given is None else f"{text.percent(given)} points"
    return f"{how}, on both sides of a documented accuracy"


def processor(conditions: Conditions) -> str:
    """Name, cores and instruction sets: "AMD EPYC, 2 cores, avx2 fma"."""
    return _with_sets(f"{conditions.processor}, {text.counted(conditions.cores, 'core')}", conditions)


def _with_sets(name: str, of: Conditions | LatencyRun) -> str:
    return f"{name}, {' '.join(of.instruction_sets)}" if of.instruction_sets else name


def _sums(run: Run | LatencyRun | SampleRun) -> str:
    """How products of integers were added: "exact (session.x64quantprecision=1)", "cut off at 16 bits, as shipped"."""
    words: str = "cut off at 16 bits" if run.integer_sums == "saturating" else run.integer_sums
    words += f" ({run.kernels})" if run.kernels else ""
    return words + ", as shipped" * (run.arithmetic == "as-shipped")


def of_run(run: Run) -> dict[str, str]:
    """What holds for one run, by its name."""
    return _shown(
        {
            "run": run.subject + text.other_labels(run),
            "recipe": run.recipe,
            "threads": str(run.threads),
            "precision": run.precision,
            "integer sums": _sums(run),
            "instruction sets": " ".join(run.instruction_sets),
            "batch": str(run.batch_size),
            "seconds": f"{run.seconds:.1f}" + (" (reused)" if run.reused else ""),
            "versions": _versions(run.versions),
            "file sha256": _verified(run.sha256, run.hash_verified),
            "run key": run.key,
        }
    )


def of_sample(run: SampleRun) -> dict[str, str]:
    """What holds for one sample answer, by its name."""
    return _shown(
        {
            "sample answer": f"{run.sample}, {run.subject}",
            "recipe": run.recipe,
            "input": run.input,
            "input sha256": _verified(run.input_sha256, run.input_verified),
            "threads": str(run.threads) if run.status == "done" else "",
            "precision": run.precision,
            "integer sums": _sums(run),
            "instruction sets": " ".join(run.instruction_sets),
            "versions": _versions(run.versions),
            "file sha256": _verified(run.sha256, run.hash_verified),
            "key": run.key,
        }
    )


def _verified(sha256: str, verified: bool) -> str:
    return f"{sha256} ({'as published' if verified else 'not compared with a published hash'})" if sha256 else ""


def of_latency(run: LatencyRun) -> dict[str, str]:
    """What holds for one latency run, by its name."""
    done = run.status == "done"
    return _shown(
        {
            "latency run": run.subject,
            "recipe": run.recipe,
            "batch": str(run.batch_size),
            "threads asked, read": f"{run.threads}, {run.threads_read if done else text.ABSENT}",
            "live threads": str(run.live_threads) if done else "",
            "most cores used": f"{max(each.cores_used for each in run.rounds):.2f}" if run.rounds else "",
            "processes": str(run.processes) if done else "",
            "precision": run.precision,
            "integer sums": _sums(run),
            "versions": _versions(run.versions),
            "settings": _assigned(sorted(run.settings.items())),
            "processor": _with_sets(run.processor, run),
            "session": run.session,
            "file sha256": run.sha256 or ("untrained" if run.untrained else ""),
        }
    )


def _shown(values: dict[str, str]) -> dict[str, str]:
    return {name: text.one_line(value) or text.ABSENT for name, value in values.items()}


def _assigned(settings: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings)


def _versions(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
