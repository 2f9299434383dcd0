"""Do verdicts keep their word? Simulated audits of claims that are true, and of claims that are not.

    python benchmarks/simulate_verdicts.py [--audits 2000] [--out FILE]

Writes the tables of docs/statistics.md. Everything is drawn from 50,000 images of which a known number are right, with
the suite's own intervals and accepted totals; nothing is evaluated. Seeded: the same numbers every time.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from zoo import stats
from zoo.documents.accepted import accepted
from zoo.records import Claim
from zoo.stats import Accepted, planning

IMAGES = 50_000
TOLERANCE = 0.001
LOOK_EVERY = 128
SHARES = (0.001, 0.5, 0.72, 0.9, 0.999)
SIZES = (50, 1000, 10_000, 49_999, 50_000)
OFF_BY = (0.0, 0.005, 0.01, 0.02)
PLAIN_SIZE, PLAIN_THRESHOLD = 1000, 0.005


def documented(percent: str) -> Claim:
    """A claim of a top-1 accuracy over all images."""
    decimals = len(percent.partition(".")[2])
    return Claim(id="simulated", checkpoint="simulated", metric="top1", value=percent, unit="percent",
                 decimals=decimals, population="all", source="none")  # fmt: skip


def coverage(share: float, n: int, audits: int, random: np.random.Generator) -> tuple[float, float]:
    """How often the interval of a fixed sample holds the truth: (computed over all counts, counted in audits)."""
    truth = round(share * IMAGES)
    counts = likely(truth, n)
    low, high = stats.finite_totals(counts, n, IMAGES)
    held = (low <= truth) & (truth <= high)
    exact = float(hypergeom.pmf(counts[held], IMAGES, truth, n).sum()) if n < IMAGES else float(held.all())
    drawn = random.hypergeometric(truth, IMAGES - truth, n, audits)
    return exact, float(held[drawn - counts[0]].mean())


def likely(truth: int, n: int) -> NDArray[np.int64]:
    """Counts within twelve standard deviations: the rest is rarer than 1e-30."""
    mean = n * truth / IMAGES
    reach = 12 * math.sqrt(mean * (1 - truth / IMAGES)) + 12
    least, most = max(0, n - (IMAGES - truth)), min(n, truth)
    return np.arange(max(least, math.floor(mean - reach)), min(most, math.ceil(mean + reach)) + 1)


def sequence_coverage(share: float, audits: int, seed: int) -> float:
    """How often the truth is in the confidence sequence at every one of the looks, if it is a claim's."""
    truth = round(share * IMAGES)
    right, looks = planning.grown(IMAGES, truth, LOOK_EVERY, audits, seed)
    low, high = stats.running(right, np.broadcast_to(looks, right.shape), IMAGES, stats.expecting(share))
    return float(((low <= truth) & (truth <= high)).all(axis=1).mean())


def fixed(goal: Accepted, truth: int, n: int, audits: int, random: np.random.Generator) -> tuple[float, float, float]:
    """Shares of audits with a fixed sample that confirm, refute, and leave open."""
    drawn, back = np.unique(random.hypergeometric(truth, IMAGES - truth, n, audits), return_inverse=True)
    low, high = stats.finite_totals(drawn, n, IMAGES)
    outcomes = np.array([goal.outcome(*ends) for ends in zip(low.tolist(), high.tolist(), strict=True)])[back]
    confirmed, refuted, still_open = (
        float((outcomes == each).mean()) for each in ("confirmed", "refuted", "inconclusive")
    )
    return confirmed, refuted, still_open


def early(goal: Accepted, truth: int, audits: int, seed: int) -> tuple[float, float, int, int]:
    """With a look after every block: shares confirmed and refuted at the first look that decides, and the images
    after which half and 95 % of the audits have stopped.
    """
    right, looks = planning.grown(IMAGES, truth, LOOK_EVERY, audits, seed)
    low, high = stats.running(right, np.broadcast_to(looks, right.shape), IMAGES, goal.prior)
    refuted = planning.refuted(goal, low, high)
    settled = refuted | ((low >= goal.inner[0]) & (high <= goal.inner[1]))
    first = settled.argmax(axis=1)
    decided = settled.any(axis=1)
    bad = refuted[np.arange(audits), first] & decided
    stops = np.where(decided, looks[first], IMAGES)
    half, most = (int(each) for each in np.quantile(stops, (0.5, 0.95), method="inverted_cdf"))
    return float((decided & ~bad).mean()), float(bad.mean()), half, most


def plain(claim: Claim, truth: int) -> float:
    """Probability that a measured accuracy on 1000 images lies within 0.5 points of the documented one."""
    middle = claim.number() * PLAIN_SIZE
    reach = PLAIN_THRESHOLD * PLAIN_SIZE
    first, last = math.ceil(middle - reach - 1e-9), math.floor(middle + reach + 1e-9)
    return float(hypergeom.cdf(last, IMAGES, truth, PLAIN_SIZE) - hypergeom.cdf(first - 1, IMAGES, truth, PLAIN_SIZE))


# --- tables --------------------------------------------------------------------------------------


def rows_of(heads: Sequence[str], rows: Iterator[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def percents(shares: Sequence[float]) -> list[str]:
    """Fractions as percent."""
    return [f"{100 * share:.1f} %" for share in shares]


def coverage_table(audits: int) -> str:
    """Fixed samples: p x n; the last column is the confidence sequence."""
    random = np.random.default_rng(1)

    def rows() -> Iterator[Sequence[object]]:
        for share in SHARES:
            cells = [coverage(share, n, audits, random) for n in SIZES]
            shown = [f"{100 * exact:.2f} % ({100 * counted:.1f} %)" for exact, counted in cells]
            yield [f"{100 * share:g} %", *shown, f"{100 * sequence_coverage(share, audits, 2):.1f} %"]

    return rows_of(["right of all", *(f"n = {n:,}" for n in SIZES), f"all looks, every {LOOK_EVERY}"], rows())


def truths(goal: Accepted) -> list[tuple[str, int]]:
    """Totals at which the claim is true: at both edges, where a mistake is likeliest, and in the middle."""
    low, high = goal.outer
    return [("lowest that is true", low), ("as documented", (low + high) // 2), ("highest that is true", high)]


def false_table(audits: int) -> str:
    """How often a true claim is refuted."""
    random = np.random.default_rng(3)

    def rows() -> Iterator[Sequence[object]]:
        for value in ("71.8", "50.0", "99.9", "72"):
            goal = accepted(documented(value), TOLERANCE, IMAGES)
            for name, truth in truths(goal):
                cells = [fixed(goal, truth, n, audits, random)[1] for n in (50, 1000, 10_000)]
                yield [f"{value} %, {name}", *percents([*cells, early(goal, truth, audits, 4)[1]])]

    return rows_of(["claim and truth", "n = 50", "n = 1,000", "n = 10,000", f"looks every {LOOK_EVERY}"], rows())


def power_table(audits: int) -> str:
    """What is found out of a claim of 71.8 % that is off."""
    claim = documented("71.8")
    goal = accepted(claim, TOLERANCE, IMAGES)
    random = np.random.default_rng(5)

    def rows() -> Iterator[Sequence[object]]:
        for off in OFF_BY:
            truth = round((claim.number() - off) * IMAGES)
            cells = [fixed(goal, truth, n, audits, random)[1] for n in (1000, 5000, 10_000, 20_000)]
            confirmed, refuted, half, most = early(goal, truth, audits, 6)
            found = refuted if off else confirmed
            stop = f"{half:,} / {most:,} ({'refuted' if off else 'confirmed'} {100 * found:.1f} %)"
            yield [f"{100 * off:g}", *percents([*cells, 1 - plain(claim, truth)]), stop]

    heads = ["off by points", *(f"refuted at n = {n:,}" for n in (1000, 5000, 10_000, 20_000)),
             "rejected by “within 0.5 points” of 1,000", "`--sample auto` stops after (half / 95 %)"]  # fmt: skip
    return rows_of(heads, rows())


def main() -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audits", type=int, default=2000, help="simulated audits for each cell")
    parser.add_argument("--out", type=Path, help="Markdown; default: stdout")
    options = parser.parse_args()
    titles = ("Coverage of 95 % intervals", "A true claim that is refuted", "A false claim that is found out")
    tables = (table(options.audits) for table in (coverage_table, false_table, power_table))
    text = "\n\n".join(f"### {title}\n\n{table}" for title, table in zip(titles, tables, strict=True)) + "\n"
    if options.out is None:
        print(text, end="")
    else:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
