"""Do latency intervals keep their word? Simulated benches of equally fast frameworks, and of one that is slower.

    python benchmarks/simulate_latency.py [--benches 2000] [--out FILE]

Writes the tables of docs/latency.md. Times are drawn: every process has a speed of its own, every round scatters, and
some rounds are disturbed. They are judged with the suite's own functions; nothing is timed. Seeded: the same numbers
every time.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.stats.mstats import gmean

from zoo.measure.speed import PROCESSES
from zoo.rules.latency.contest import ALLOWED_ERROR
from zoo.rules.latency.stability import LARGEST_SPREAD
from zoo.stats import levels

FRAMEWORKS = 6
EFFECTS = (0.0, 0.01, 0.02, 0.04)
ROUND = 0.01  # standard deviation of rounds of one process
DRIFT = 0.003  # of the machine's speed, from one round to the next; all frameworks feel it
DISTURBED = 0.05  # share of rounds, where there are such; each takes 20 % longer on average
SLOWER = 0.05  # one framework, where there is such
DESIGNS = ((3, 4), (6, 2), (8, 1))  # processes, rounds of each: all take about as long


@dataclass(frozen=True)
class Found:
    """Shares of benches, and the median width of intervals by their times.

    covered: intervals that hold the truth; width: as said; quotable: intervals within the limit of rule L101; ranked
    falsely: benches of equal frameworks with any ranking; slower: pairs of an equal one and the slower one that are
    ranked.
    """

    covered: float
    width: float
    quotable: float
    ranked_falsely: float
    slower: float


def drawn(
    random: np.random.Generator, effect: float, processes: int = PROCESSES, rounds: int = 1, disturbed: float = 0.0,
    drift: float = DRIFT,
) -> NDArray[np.float64]:  # fmt: skip
    """One time for each process of equally fast frameworks: float64 (FRAMEWORKS, processes), truth 1.

    effect: standard deviation of the speeds of processes.
    """
    shape = (FRAMEWORKS, processes, rounds)
    machine = np.cumsum(random.normal(0, drift, processes * rounds)).reshape(processes, rounds)
    logs = random.normal(0, effect, (*shape[:2], 1)) + random.normal(0, ROUND, shape) + machine
    logs = logs + (random.random(shape) < disturbed) * random.exponential(0.2, shape)
    times: NDArray[np.float64] = gmean(np.exp(logs), axis=2)
    return times


def false_ranking(times: NDArray[np.float64]) -> bool:
    """Whether any two of equally fast frameworks are ranked."""
    return any(p_value <= ALLOWED_ERROR for p_value in levels.ranked(times.tolist()).values())


def simulated(
    effect: float, benches: int, processes: int = PROCESSES, rounds: int = 1, disturbed: float = 0.0
) -> Found:
    """Benches of six frameworks. The machine's drift does not count against coverage: the probe is there to find it."""
    random = np.random.default_rng(7)
    held, widths, wrong, right = [], [], 0, 0.0
    for _ in range(benches):
        still = drawn(random, effect, processes, rounds, disturbed, drift=0.0)
        for one in still:
            low, high = levels.interval(one) or (0.0, np.inf)
            held.append(low <= 1 <= high)
            widths.append((high - low) / levels.typical(one))
        times = drawn(random, effect, processes, rounds, disturbed)
        wrong += false_ranking(times)
        times[-1] *= 1 + SLOWER
        pairs = levels.ranked(times.tolist())
        right += sum(pairs[other, FRAMEWORKS - 1] <= ALLOWED_ERROR for other in range(FRAMEWORKS - 1))
    quotable = float(np.mean(np.array(widths) <= LARGEST_SPREAD))
    slower = right / benches / (FRAMEWORKS - 1)
    return Found(float(np.mean(held)), median(widths), quotable, wrong / benches, slower)


# --- tables --------------------------------------------------------------------------------------


def rows_of(heads: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def percent(share: float) -> str:
    """A fraction as percent."""
    return f"{100 * share:.1f} %"


def promises(benches: int) -> str:
    """What a bench promises, by how much processes differ."""

    def rows() -> Iterator[Sequence[str]]:
        for effect in EFFECTS:
            one = simulated(effect, benches)
            disturbed = simulated(effect, benches, disturbed=DISTURBED)
            cells = (one.covered, one.ranked_falsely, one.slower, one.width)
            beside = (disturbed.covered, disturbed.ranked_falsely, disturbed.quotable)
            yield [f"{100 * effect:g} %", *map(percent, (*cells, *beside))]

    return rows_of(
        ["processes differ by", "interval holds the truth", "false ranking among six", "5 % slower is ranked", "width",
         "disturbed: holds", "disturbed: false ranking", "disturbed: quotable"], rows(),
    )  # fmt: skip


def designs(benches: int) -> str:
    """The same time spent on few processes of many rounds, or on many of one."""

    def rows() -> Iterator[Sequence[str]]:
        for processes, rounds in DESIGNS:
            results = [simulated(effect, benches, processes, rounds) for effect in EFFECTS[1:]]
            cells = [f"{percent(each.width)}, {percent(each.slower)}" for each in results]
            yield [f"{processes} × {rounds}", *cells]

    return rows_of(["processes × rounds", *(f"{100 * effect:g} %" for effect in EFFECTS[1:])], rows())


def main() -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benches", type=int, default=2000, help="simulated benches for each row")
    parser.add_argument("--out", type=Path, help="Markdown; default: stdout")
    options = parser.parse_args()
    titles = ("What is promised", "Interval's width, and how often 5 % are ranked, by how much processes differ")
    tables = (table(options.benches) for table in (promises, designs))
    text = "\n\n".join(f"### {title}\n\n{table}" for title, table in zip(titles, tables, strict=True)) + "\n"
    if options.out is None:
        print(text, end="")
    else:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
