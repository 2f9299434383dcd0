"""Speed of each adapter in the suite beside a bare loop of its framework, in rounds of suite, bare, bare, suite.

    python benchmarks/adapters.py                      the table
    python benchmarks/adapters.py --write              docs/speed.md too
    python benchmarks/adapters.py --only torch,tflite --rounds 9 --images 64

The suite's side is a worker that predicts stored pixels, as in an evaluation: reading, numeric steps and checks are
inside its time. The bare side is a program of benchmarks/loops/ with the framework's best practice and ready-made
floats. Both run MobileNetV2 1.0/224 with random weights in the environments that `zoo setup` builds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from adapters.common.mobilenet_v2 import MobileNetV2  # noqa: E402
from adapters.common.untrained import tensors  # noqa: E402
from zoo.documents.load import load_zoo  # noqa: E402
from zoo.frameworks import environments  # noqa: E402
from zoo.frameworks.environments import Environment  # noqa: E402
from zoo.frameworks.table import framework  # noqa: E402
from zoo.frameworks.workers import Worker  # noqa: E402
from zoo.machine import processor  # noqa: E402

ZOO = load_zoo("published")
LOOPS = Path(__file__).with_name("loops")
PAGE = REPOSITORY / "docs" / "speed.md"
BATCHES = (1, 8)
THREADS = 2
WANTED = 0.9  # of the bare loop's speed

NETWORK = {"resolution": 224}
SAME = {"resolution": 224, "classes": 1001, "padding": "same", "bn_epsilon": 1e-3}


@dataclass(frozen=True)
class Case:
    """One format in one framework. environment: of the bare loop, as its best practice asks for."""

    name: str
    framework: str
    format: str
    recipe: str
    practice: str
    network: dict[str, Any] = field(default_factory=lambda: NETWORK)
    environment: dict[str, str] = field(default_factory=dict)


CASES = (
    Case("onnxruntime", "onnxruntime", "onnx", "torch_256_224", "`session.run`, all graph optimisations"),
    Case(
        "torch", "torch", "torch_state_dict", "torch_256_224",
        "`torch.jit.freeze`, `optimize_for_inference`, `inference_mode`; OpenMP waits briefly",
        environment={"GOMP_SPINCOUNT": "1000"},
    ),
    Case(
        "mindspore", "mindspore", "mindspore_ckpt", "mindspore_256_224",
        "graph mode, `ONEDNN_MAX_CPU_ISA=AVX2`; built anew, random weights of its own",
        environment={"ONEDNN_MAX_CPU_ISA": "AVX2"},
    ),
    Case("tensorflow", "tensorflow", "frozen_graph", "slim_224", "frozen function", SAME),
    Case("tflite", "tensorflow", "tflite", "tflite_eval_224_float", "interpreter with XNNPACK", SAME),
    Case("openvino", "openvino", "openvino_ir", "torch_256_224", "compiled for the batch, f32, latency hint"),
    Case(
        "mxnet", "mxnet", "mxnet_symbol", "gluoncv_256_224", "oneDNN subgraph, one executor; OpenMP waits briefly",
        environment={"OMP_NUM_THREADS": str(THREADS), "GOMP_SPINCOUNT": "1000"},
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """Images a second of each round, by side."""

    case: Case
    batch: int
    suite: list[float]
    bare: list[float]

    @property
    def ratios(self) -> list[float]:
        """Suite to bare, round by round."""
        return [suite / bare for suite, bare in zip(self.suite, self.bare, strict=True)]

    def cells(self) -> list[str]:
        """As printed."""
        ratio = f"{statistics.median(self.ratios):.2f} ({min(self.ratios):.2f} to {max(self.ratios):.2f})"
        speeds = [f"{statistics.median(values):.0f}" for values in (self.suite, self.bare)]
        title = framework(self.case.framework).title
        return [title, self.case.format, str(self.batch), *speeds, ratio]


HEAD = ("framework", "format", "batch", "suite", "bare loop", "ratio")


@contextmanager
def bare_loop(case: Case, python: Path, batch: int, files: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """The framework's bare loop, ready."""
    command = [str(python), "-s", "-W", "ignore", str(LOOPS / f"{case.name}_loop.py"), str(batch), str(THREADS)]
    known = {"TF_CPP_MIN_LOG_LEVEL": "2", "GLOG_v": "3", "CUDA_VISIBLE_DEVICES": ""}
    with tempfile.TemporaryFile("w+") as stderr:
        process = subprocess.Popen(
            [*command, *files],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, **known, **case.environment},
        )
        try:
            assert process.stdout is not None
            if process.stdout.readline().strip() != "ready":
                stderr.seek(0)
                raise SystemExit(f"{case.name}: the bare loop failed:\n{stderr.read()}")
            yield process
        finally:
            process.kill()
            process.communicate()


def bare_seconds(process: subprocess.Popen[str], images: int) -> float:
    """Time of so many images."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{images}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def exported(case: Case, worker: Worker, folder: Path) -> list[str]:
    """The case's checkpoint, written by its adapter."""
    archive, target = folder / "tensors.npz", folder / case.name
    np.savez(archive, **tensors(MobileNetV2(**case.network).layers()), allow_pickle=False)
    target.mkdir()
    request = {"tensors": str(archive), "network": case.network, "format": case.format, "target": str(target)}
    files: list[str] = worker.request("export", **request)["files"]
    return files


def measured(case: Case, found: Environment, rounds: int, images: int) -> Iterator[Result]:
    """Lines of the table, one a batch size."""
    with tempfile.TemporaryDirectory(prefix="zoo-speed-") as name:
        folder = Path(name)
        np.save(folder / "store.npy", np.random.default_rng(0).integers(0, 256, (images, 224, 224, 3), np.uint8))
        with Worker(found.framework, found.python) as writer:
            files = exported(case, writer, folder)
        for batch in BATCHES:
            with (
                Worker(found.framework, found.python) as worker,
                bare_loop(case, found.python, batch, files) as process,
            ):
                options = {"threads": THREADS, "batch_size": batch, "format": case.format, "network": case.network}
                worker.request("load", files=files, options=options)
                yield alternated(case, batch, worker, process, folder, rounds, images)


def alternated(
    case: Case, batch: int, worker: Worker, process: subprocess.Popen[str], folder: Path, rounds: int, images: int
) -> Result:
    """Rounds of suite, bare, bare, suite, behind a turn of each that is not counted."""
    numeric = [step.to_json() for step in ZOO.recipes[case.recipe].numeric.steps]
    request = {"store": str(folder / "store.npy"), "rows": [0, images], "numeric": numeric}

    def suite() -> float:
        return float(worker.request("predict", out=str(folder / "out.npy"), **request)["seconds"])

    suite()
    bare_seconds(process, images)
    result = Result(case, batch, [], [])
    for _ in range(rounds):
        first, second = suite(), bare_seconds(process, images)
        third, fourth = bare_seconds(process, images), suite()
        result.suite.append(2 * images / (first + fourth))
        result.bare.append(2 * images / (second + third))
    return result


def printed(results: Sequence[Result]) -> Table:
    """For a terminal."""
    table = Table(title=f"images/s, {THREADS} threads; ratio: median (smallest to largest round)")
    for name in HEAD:
        table.add_column(name, no_wrap=True, overflow="ignore")
    for result in results:
        low = statistics.median(result.ratios) < WANTED
        table.add_row(*result.cells(), style="bold" if low else None)
    return table


def page(results: Sequence[Result], rounds: int, images: int, loads: tuple[float, float]) -> str:
    """docs/speed.md."""
    practices = {framework(case.framework).title + f" {case.format}": case.practice for case in CASES}
    lines = [
        "# Speed of the adapters",
        "",
        "The table shows what the suite costs: images a second of MobileNetV2 1.0/224 in the suite and in a bare loop",
        "of the same framework on the same network. The suite's time includes reading the stored pixels, the recipe's",
        "numeric steps and the checks of every answer; the bare loop has its floats ready. Other programs used the",
        "machine too, so only the ratio counts: the median of the rounds (smallest to largest).",
        "",
        *_table(HEAD, [result.cells() for result in results]),
        "",
        f"{THREADS} threads on {processor()}, {os.cpu_count()} processors; {rounds} rounds of suite, bare,",
        f"bare, suite, {images} images a turn; load average {loads[0]:.1f} before and {loads[1]:.1f} after. Made by",
        f"`python benchmarks/adapters.py --rounds {rounds} --images {images} --write`.",
        "",
        "## What the bare loops do",
        "",
        *_table(("framework and format", "practice"), list(practices.items())),
        "",
    ]
    return "\n".join(lines)


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---:" if name in ("batch", "suite", "bare loop") else "---" for name in head]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *lines)]


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(case.name for case in CASES), help="names, with commas")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--images", type=int, default=24, help="of each turn; a multiple of 8")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    if arguments.write and arguments.only != parser.get_default("only"):
        parser.error("--write wants the whole table, so not --only")
    console, before = Console(), os.getloadavg()[0]
    results: list[Result] = []
    for case in CASES:
        if case.name not in arguments.only.split(","):
            continue
        found = environments.find(framework(case.framework))
        if found is None:
            console.print(f"{case.name} is left out: its environment is not built (zoo setup {case.framework})")
            continue
        for result in measured(case, found, arguments.rounds, arguments.images):
            console.print("  ".join(result.cells()))
            results.append(result)
    console.print(printed(results))
    if arguments.write:
        loads = (before, os.getloadavg()[0])
        PAGE.write_text(page(results, arguments.rounds, arguments.images, loads), encoding="utf-8")


if __name__ == "__main__":
    main()
