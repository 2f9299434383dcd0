"""How many images does a reference save, and do verdicts keep their word whatever it is? Simulated audits.

    python benchmarks/simulate_references.py --runs FOLDER... --pairs [NAME:]REFERENCE=NEW... [--audits 40] [--out FILE]

Writes the tables of docs/statistics.md. FOLDER: of a `zoo validate` with all images of a set; several sets of images
are put together. REFERENCE, NEW: ids of checkpoints in them, with a name for the pair; both directions are taken. The
other tables take the first pair. The answers of real networks
are drawn from, with replacement, until there are 50,000 images on 71.8 % of which the reference is right; margins are
moved by 5 % or so, so that no two images are the same. An audit with another seed draws others. Nothing is evaluated.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.simulate_verdicts import IMAGES, LOOK_EVERY, OFF_BY, rows_of
from zoo import drawing
from zoo.jobs.distances import distances, ranks
from zoo.records import DrawRule
from zoo.records.references import Reference, steps
from zoo.runs.folder import RunFolder
from zoo.stats import Accepted, planning
from zoo.stats.weighted import Draw, Watched

RIGHT = 0.718  # of the reference
WIDTH = 150  # totals that a claim accepts: 71.8 % with a tolerance of 0.1 points
ALONE = 2000  # audits without a reference, which take no time
SAME_DIFFER = 0.002  # of answers, of the same weights in another framework
FEW = 2000  # images of the populations with which references are tried that are wrong
METRICS = ("top1", "top5")
RULES: tuple[DrawRule, DrawRule] = "even", "margin"
Bools = NDArray[np.bool_]
Random = np.random.Generator


@dataclass(frozen=True)
class Answers:
    """Of one network, on images in a fixed order: place of the right class (0: none of five), and margins in nats."""

    ranks: NDArray[np.uint8]
    margins: NDArray[np.float64]

    def right(self, metric: str) -> Bools:
        """By `top1` or `top5`, bool (N,)."""
        return self.ranks == 1 if metric == "top1" else self.ranks > 0

    def at(self, rows: NDArray[np.int64]) -> Answers:
        """On these images."""
        return Answers(self.ranks[rows], self.margins[rows])


@dataclass(frozen=True)
class Population:
    """What a reference says of all images, and what is true of them."""

    known: Answers
    new: Answers

    def drawn(self, rule: DrawRule, metric: str, seed: int) -> tuple[Draw, Bools]:
        """In the order of a draw: what is expected of the images, and which are right."""
        count = len(self.known.ranks)
        reference = Reference(
            subject="simulated@none", run="", sha256="", population="", labels_digest="",
            stems=tuple(f"{number:08d}" for number in range(count)), answers=np.zeros(count, np.int32),
            margins=steps(self.known.margins), ranks=self.known.ranks,
        )  # fmt: skip
        rows = drawing.drawn_rows(reference, rule, seed)
        return drawing.draw(reference, rows, rule, metric), self.new.right(metric)[rows]


def read(folders: Sequence[Path]) -> dict[str, Answers]:
    """Answers of networks that every folder has, by the id of the checkpoint, of all folders one after the other."""
    sets = [of_folder(RunFolder(path)) for path in folders]
    return {
        name: Answers(
            np.concatenate([each[name].ranks for each in sets]), np.concatenate([each[name].margins for each in sets])
        )
        for name in sets[0]
        if all(name in each for each in sets)
    }


def of_folder(folder: RunFolder) -> dict[str, Answers]:
    """Of the runs on the same images as the first one, sorted by the names of these."""
    found: dict[str, Answers] = {}
    images: list[str] = []
    label_maps = {each.id: each for each in folder.documents().label_maps}
    for run in folder.report().runs:
        answers = folder.predictions(run)
        if answers is None or (images and sorted(answers.ids) != images):
            continue
        images, label_map = sorted(answers.ids), label_maps[run.label_map]
        known = Answers(ranks(answers, label_map), distances(answers, label_map))
        found.setdefault(run.checkpoint, known.at(np.argsort(answers.ids)))
    return found


def resampled(known: Answers, new: Answers, random: Random, images: int = IMAGES) -> Population:
    """A population like these images, with a known share that the reference has right."""
    right = known.right("top1")
    count = round(RIGHT * images)
    rows = np.concatenate([
        random.choice(np.flatnonzero(right), count), random.choice(np.flatnonzero(~right), images - count)
    ])  # fmt: skip
    margins = known.margins[rows] * np.exp(random.normal(0, 0.05, images))
    return Population(replace(known.at(rows), margins=margins), new.at(rows))


def same(known: Answers, random: Random) -> Population:
    """The same weights elsewhere: top-1 differs near a tie, top-5 where the right class is the fifth or no one."""
    population = resampled(known, known, random)
    places, changed = population.known.ranks, population.known.ranks.copy()
    first = np.isin(places, (1, 2)) & (population.known.margins < 0.1)
    for where, one, other in ((first, 1, 2), (np.isin(places, (0, 5)), 0, 5)):
        rows = random.permutation(np.flatnonzero(where))[: round(SAME_DIFFER * IMAGES)]
        changed[rows] = np.where(places[rows] == one, other, one)
    return replace(population, new=replace(population.new, ranks=changed))


def decided(draw: Draw, right: Bools, goal: Accepted) -> tuple[str, int]:
    """Outcome at the first look that decides, and images seen by then."""
    watched = Watched(draw, goal)
    for start in range(0, draw.images, LOOK_EVERY):
        if watched.add(right[start : start + LOOK_EVERY]):
            break
    return watched.outcome, watched.n


def claim(total: int, images: int = IMAGES) -> Accepted:
    """One that says so many images are right."""
    ends = max(total - WIDTH // 2, 0), min(total + WIDTH // 2 - 1, images)
    return Accepted(images, ends, ends)


def stops(images: Sequence[int]) -> str:
    """Images after which half and 95 % of the audits have decided."""
    half, most = (int(each) for each in np.quantile(images, (0.5, 0.95), method="inverted_cdf"))
    return f"{half:,} / {most:,}"


# --- references ----------------------------------------------------------------------------------

Spoiled = Callable[[Population, Random], Answers]


def _anti(population: Population, _: Random) -> Answers:
    return replace(population.known, ranks=np.where(population.new.right("top1"), 0, 1).astype(np.uint8))


def _random(population: Population, random: Random) -> Answers:
    count = len(population.known.ranks)
    return Answers(random.choice(6, count, p=[0.1, 0.7, 0.1, 0.05, 0.03, 0.02]).astype(np.uint8),
                   random.exponential(3, count))  # fmt: skip


def _sure_where_wrong(population: Population, _: Random) -> Answers:
    wrong = population.known.right("top1") != population.new.right("top1")
    return replace(population.known, margins=np.where(wrong, 12.0, population.known.margins))


SPOILED: dict[str, Spoiled] = {
    "a good one": lambda population, _: population.known,
    "right where the run is wrong, and the other way round": _anti,
    "right on all images": lambda population, _: replace(population.known, ranks=np.ones_like(population.known.ranks)),
    "wrong on all images": lambda population, _: replace(population.known, ranks=np.zeros_like(population.known.ranks)),
    "random answers": _random,
    "stale: answers to other images": lambda population, random: population.known.at(
        random.permutation(len(population.known.ranks))
    ),
    "sure where it is wrong": _sure_where_wrong,
}


# --- tables --------------------------------------------------------------------------------------

Make = Callable[[Random, int], Population]


@dataclass(frozen=True)
class Pair:
    """Two networks by their ids, and what to call them in a table."""

    name: str
    known: str
    new: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """[NAME:]REFERENCE=NEW; raises ValueError."""
        name, _, pair = text.rpartition(":")
        known, new = pair.split("=")
        return cls(name or f"{known} and {new}", known, new)


def makers(answers: dict[str, Answers], pairs: Sequence[Pair]) -> dict[str, tuple[Make, DrawRule]]:
    """By the name of a row: a population for a generator and the number of an audit, and the rule to draw by."""
    found: dict[str, tuple[Make, DrawRule]] = {}
    for pair in pairs:
        both = answers[pair.known], answers[pair.new]
        differ = float(np.mean(both[0].right("top1") != both[1].right("top1")))

        def make(random: Random, audit: int, both: tuple[Answers, Answers] = both) -> Population:
            known, new = both if audit % 2 else both[::-1]
            return resampled(known, new, random)

        found[f"{pair.name}, {100 * differ:.1f} % discordant"] = make, "margin"
    networks = [answers[name] for name in dict.fromkeys(name for pair in pairs for name in (pair.known, pair.new))]
    found[f"same weights, {100 * SAME_DIFFER:g} % of answers differ"] = (
        (lambda random, audit: same(networks[audit % len(networks)], random)),
        "even",
    )
    return found


def saved_table(found: dict[str, tuple[Make, DrawRule]], audits: int) -> str:
    """Images until decided, of a claim that is true and of claims that are too high."""

    def rows() -> Iterator[Sequence[object]]:
        truth = round(RIGHT * IMAGES)
        yield ["none", "top-1", *(stops(unaided(truth, off)) for off in OFF_BY)]
        for name, (make, rule) in found.items():
            for metric in METRICS:
                yield [name, f"top-{metric[3:]}", *(stops(each) for each in aided(make, rule, metric, audits))]

    return rows_of(["reference", "of", *(f"off by {100 * off:g}" if off else "confirmed" for off in OFF_BY)], rows())


def unaided(truth: int, off: float) -> list[int]:
    """Images until decided without a reference."""
    goal = claim(truth + round(off * IMAGES))
    return planning.decided_at(goal, *planning.grown(IMAGES, truth, LOOK_EVERY, ALONE, seed=0)).tolist()


def aided(make: Make, rule: DrawRule, metric: str, audits: int) -> list[list[int]]:
    """The same with one, for each of OFF_BY."""
    found: list[list[int]] = [[] for _ in OFF_BY]
    for audit in range(audits):
        draw, right = make(np.random.default_rng(audit), audit).drawn(rule, metric, audit)
        for off, images in zip(OFF_BY, found, strict=True):
            outcome, n = decided(draw, right, claim(int(right.sum()) + round(off * IMAGES)))
            images.append(n if outcome == ("refuted" if off else "confirmed") else IMAGES)
    return found


def valid_table(known: Answers, new: Answers, audits: int) -> str:
    """How often a true claim is refuted, where the truth lies at an edge of what is accepted."""

    def rows() -> Iterator[Sequence[object]]:
        for name, spoil in SPOILED.items():
            shares = [false_alarms(known, new, spoil, rule, at, audits) for rule in RULES for at in (0, 1)]
            yield [name, *(f"{100 * share:.1f} %" for share in shares)]

    return rows_of(["reference", *(f"{rule}, {at} total" for rule in RULES for at in ("lowest", "highest"))], rows())


def false_alarms(known: Answers, new: Answers, spoil: Spoiled, rule: DrawRule, at: int, audits: int) -> float:
    """Share of audits that refute a true claim. at: the truth is the lowest (0) or the highest (1) that it accepts."""
    refuted = 0
    for audit in range(audits):
        random = np.random.default_rng([audit, at])
        population = resampled(known, new, random, FEW)
        draw, right = replace(population, known=spoil(population, random)).drawn(rule, "top1", audit)
        total, width = int(right.sum()), WIDTH * FEW // IMAGES
        ends = (total, total + width) if at == 0 else (total - width, total)
        refuted += decided(draw, right, Accepted(FEW, ends, ends))[0] == "refuted"
    return refuted / audits


def cost_table(known: Answers, new: Answers, audits: int) -> str:
    """What a reference that is wrong costs, drawn by margin."""

    def rows() -> Iterator[Sequence[object]]:
        offs = [off for off in OFF_BY if off >= 0.01]
        yield ["none", *(stops(unaided(round(RIGHT * IMAGES), off)) for off in offs)]
        for name, spoil in SPOILED.items():
            cells: list[list[int]] = [[] for _ in offs]
            for audit in range(audits):
                random = np.random.default_rng(audit)
                population = resampled(known, new, random)
                draw, right = replace(population, known=spoil(population, random)).drawn("margin", "top1", audit)
                for off, images in zip(offs, cells, strict=True):
                    images.append(decided(draw, right, claim(int(right.sum()) + round(off * IMAGES)))[1])
            yield [name, *(stops(each) for each in cells)]

    return rows_of(["reference", *(f"off by {100 * off:g}" for off in OFF_BY if off >= 0.01)], rows())


def main() -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, nargs="+", required=True, metavar="FOLDER", help="run folders")
    parser.add_argument("--pairs", nargs="+", required=True, metavar="[NAME:]REFERENCE=NEW", help="ids")
    parser.add_argument("--audits", type=int, default=40, help="simulated audits for each cell; true claims: ten times")
    parser.add_argument("--out", type=Path, help="Markdown; default: stdout")
    options = parser.parse_args()
    answers = read(options.runs)
    try:
        pairs = [Pair.parse(text) for text in options.pairs]
        makes = makers(answers, pairs)
    except (ValueError, KeyError) as error:
        parser.error(f"--pairs: expected [NAME:]REFERENCE=NEW of {', '.join(answers)}, got {error}")
    known, new = answers[pairs[0].known], answers[pairs[0].new]
    tables: dict[str, Callable[[], str]] = {
        "Images until a claim is decided, half / 95 % of audits": lambda: saved_table(makes, options.audits),
        f"A true claim that is refuted, {FEW:,} images": lambda: valid_table(known, new, 10 * options.audits),
        "What a wrong reference costs": lambda: cost_table(known, new, options.audits),
    }
    text = "\n\n".join(f"### {title}\n\n{table()}" for title, table in tables.items()) + "\n"
    if options.out is None:
        print(text, end="")
    else:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
