"""Early stopping: who is asked for which block, what a failure ends, when it is over; then as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.by_hand import little_zoo
from tests.by_hand.commands import report_of, zoo
from tests.by_hand.records import a_claim
from zoo.errors import UsageError, WorkerError
from zoo.images import image_sets, pixels
from zoo.images.digests import file_digests, listing_digest
from zoo.images.image_sets import Image
from zoo.images.pixels import Block
from zoo.jobs import early_stopping
from zoo.jobs.early_stopping import Decoded, Lane, Watch
from zoo.records.predictions import Predictions
from zoo.stats import Accepted

IMAGES = 2000


class Answers:
    """An evaluation that is right on the first `right` images of each block, and may fail at one."""

    def __init__(self, right: int, fails_at: int | None = None) -> None:
        self.right, self.fails_at = right, fails_at
        self.asked: list[int] = []
        self.rests = 0
        self.first_class = 0
        self.task = SimpleNamespace(recipe=SimpleNamespace(geometry=SimpleNamespace(id="g")))

    def answers(self, block: Block) -> Any:
        self.asked.append(block.start)
        if block.start == self.fails_at:
            raise WorkerError("it died", kind="died")
        indices = np.full((len(block.images), 5), 1, np.int32)
        indices[: self.right, 0] = 0
        return SimpleNamespace(indices=indices)

    def rest(self) -> None:
        self.rests += 1


def blocks(count: int = IMAGES) -> list[Block]:
    picture = Image(id="a.png", path=Path("a.png"), class_index=0)
    return [
        Block(start, (picture,) * min(pixels.BLOCK, count - start), ("",) * min(pixels.BLOCK, count - start))
        for start in range(0, count, pixels.BLOCK)
    ]


def watch(low: int, high: int) -> Watch:
    return Watch(a_claim(), Accepted(IMAGES, (low, high), (low, high)))


def lane(name: str, answers: Answers, *watches: Watch) -> Lane:
    return Lane(name, answers, watches)  # type: ignore[arg-type]


@pytest.fixture
def advance(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`sequential.advance` over blocks that need no decoding; what was said is in its list `said`."""
    monkeypatch.setattr(pixels, "fill", lambda *arguments: None)
    said: list[str] = []

    def run(lanes: Sequence[Lane]) -> int:
        return early_stopping.advance(lanes, Decoded(blocks(), 2), said.append, lambda done: None)

    run.said = said  # type: ignore[attr-defined]
    return run


def test_stops_when_the_last_claim_is_decided(advance: Any) -> None:
    wrong, near = lane("wrong", Answers(0), watch(1400, 1500)), lane("near", Answers(82), watch(1400, 1500))
    taken = advance([wrong, near])
    assert 1 < taken < 16
    assert [each.watches[0].outcome for each in (wrong, near)] == ["refuted", "refuted"]
    assert advance.said[0] == "wrong: top1 refuted after 128 images"
    assert advance.said[1] == f"near: top1 refuted after {taken * 128:,} images"
    assert len(wrong.answers) == len(near.answers) == taken  # all runs look at the same images


def test_goes_to_the_end_where_it_is_close(advance: Any) -> None:
    close = lane("close", Answers(64), watch(999, 1001))
    assert advance([close]) == 16
    assert close.watches[0].outcome == "refuted"  # 15 x 64 + 64 of the last 80 are 1024


def test_a_failure_ends_its_own_run(advance: Any) -> None:
    dies = lane("dies", Answers(0, fails_at=0), watch(999, 1001))
    other = lane("other", Answers(0), watch(1400, 1500))
    assert advance([dies, other]) == 1
    assert str(dies.failure) == "it died"
    assert not dies.open
    assert other.failure is None


def test_many_runs_take_turns_with_few_workers(advance: Any) -> None:
    evaluations = [Answers(64) for _ in range(early_stopping.WORKERS + 1)]
    assert advance([lane("x", each, watch(999, 1001)) for each in evaluations]) == 16
    assert all(each.asked == [block.start for block in blocks()] for each in evaluations)
    rests = [each.rests for each in evaluations]
    assert set(rests[: early_stopping.WORKERS - 1]) == {0}
    assert all(0 < times < 16 for times in rests[early_stopping.WORKERS - 1 :])


def test_blocks_are_decoded_a_little_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    filled: list[int] = []
    monkeypatch.setattr(pixels, "fill", lambda geometry, wanted, jobs: filled.append(len(wanted)))
    decoded = Decoded(blocks(), jobs=2)
    geometry: Any = SimpleNamespace(id="g")
    for until in range(1, 17):
        decoded.need(geometry, until)
    assert filled == [4, 4, 4, 4]


def test_nothing_to_decide_is_told() -> None:
    with pytest.raises(UsageError, match="--sample auto: there is nothing to decide"):
        early_stopping.check_decidable(decidable=False)


def test_a_decided_claim_stays_decided() -> None:
    watched = watch(1400, 1500)
    assert watched.look(np.zeros(128, np.bool_))
    assert not watched.look(np.ones(1800, np.bool_))
    assert watched.outcome == "refuted"


# --- as a user runs it ---------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, own_home: Path) -> Path:
    """600 images; `little/good` is always right, so are `little/late` (of which 100 % is claimed) and the rest."""
    made = little_zoo.make(tmp_path / "little", 600)
    image_set = image_sets.open_image_set(made / "images")
    digest = listing_digest(image_set, file_digests(image_set, own_home / "digests"))
    little_zoo.claim_accuracy(made, "little/good", "50.0", digest, 600)
    return made


def claim(folder: Path, checkpoint: str, top1: str) -> None:
    with (folder / "claims.csv").open("a", encoding="utf-8") as file:
        file.write(f"{checkpoint}-top1,{checkpoint},top1,{top1},percent,1,own,page\n")


def test_stops_after_the_first_block_and_says_so(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = zoo("validate", "--zoo", folder, "--out", out, "--sample", "auto", "--seed", 1)
    assert done.returncode == 1, done.stderr
    report = report_of(out)
    (run,), (verdict, sense) = report.runs, report.verdicts
    assert (run.n, run.population, run.look_every, report.conditions.images) == (128, "random_sample", 128, 128)
    assert (verdict.outcome, verdict.decided_at) == ("refuted", 128)
    assert verdict.p_value is not None
    assert verdict.p_value <= 0.05
    assert "points for image libraries (" in verdict.reason
    assert "); decided after 128 images; one image of 128 is" in verdict.reason
    assert (sense.rule, sense.outcome) == ("A201", "pass")
    ids = Predictions.read(out / "predictions" / f"{run.key}.npz").ids
    order = image_sets.ordered(image_sets.open_image_set(folder / "images"), 1).images
    assert ids == tuple(image.id for image in order[:128])
    assert "the stored verdicts stand" in zoo("compare", out).stdout


def test_all_runs_go_on_until_the_last_is_decided(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    little_zoo.add_checkpoint(folder, "late")
    claim(folder, "little/late", "100.0")
    little_zoo.add_checkpoint(folder, "silent")
    little_zoo.add_checkpoint(folder, "dies", misbehave="crash", misbehave_at=20)
    done = zoo("validate", "--zoo", folder, "--out", out, "--sample", "auto")
    assert done.returncode == 3
    report = report_of(out)
    assert {run.checkpoint: (run.status, run.n) for run in report.runs} == {
        "little/good": ("done", 512), "little/late": ("done", 512), "little/silent": ("done", 512),
        "little/dies": ("failed", 0),
    }  # fmt: skip
    assert {run.population for run in report.runs if run.status == "done"} == {"random_sample"}
    decided = {
        verdict.subject: (verdict.outcome, verdict.decided_at) for verdict in report.verdicts if verdict.claim_id
    }
    assert decided == {"little/good@fake": ("refuted", 128), "little/late@fake": ("confirmed", 512)}
    # What was computed before the failure is kept: a second time nothing is computed again.
    model = json.loads((folder / "dies.json").read_text())
    (folder / "dies.json").write_text(json.dumps({**model, "misbehave": None}))
    zoo("validate", "--resume", out)
    states = {run.checkpoint: (run.status, run.reused) for run in report_of(out).runs}
    assert states["little/late"] == ("done", True)
    assert states["little/dies"] == ("done", False)


def test_images_that_no_claim_speaks_of_are_refused(folder: Path, tmp_path: Path) -> None:
    other = little_zoo.make_images(tmp_path / "other", 20)
    done = zoo("validate", "--zoo", folder, "--images", other, "--out", tmp_path / "out", "--sample", "auto")
    assert done.returncode == 2
    assert "there is nothing to decide" in done.stderr
    assert "Traceback" not in done.stderr


def test_sample_of_everything_is_the_full_set(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    zoo("validate", "--zoo", folder, "--out", out, "--sample", 600)
    assert [run.population for run in report_of(out).runs] == ["full"]


@pytest.mark.parametrize("size", ["0", "-3", "many", "1.5"])
def test_wrong_sizes_are_refused(size: str, tmp_path: Path) -> None:
    done = zoo("validate", "--sample", size, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "or 'auto'" in done.stderr


def test_two_run_folders_are_compared_image_by_image(folder: Path, tmp_path: Path) -> None:
    recipes = (folder / "recipes.toml").read_text()
    (folder / "recipes.toml").write_text(
        recipes.replace('[[recipe]]\nid = "whole"', '[[geometry]]\nid = "half"\nsteps = [\n'
        '  { op = "decode", library = "pil", exif = "ignore" },\n  { op = "resize_exact", size = 8, library = "pil", '
        'interpolation = "nearest", antialias = false },\n]\n\n[[recipe]]\nid = "half"\ngeometry = "half"\n'
        'numeric = "pixels"\n\n[[recipe]]\nid = "whole"')
    )  # fmt: skip
    for name, recipe in (("a", "whole"), ("b", "half")):
        zoo("validate", "--zoo", folder, "--out", tmp_path / name, "--sample", 200, "--recipe", recipe)
    done = zoo("compare", tmp_path / "a", tmp_path / "b")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "0 are right only with recipe whole, 0 only with recipe half" in " ".join(done.stdout.split())
    assert "Image by image" not in zoo("compare", tmp_path / "a", tmp_path / "a").stdout


def test_plan_needs_no_images() -> None:
    done = zoo("plan", "embedded/onnx", "--zoo", "embedded", "--sample", 500)
    assert done.returncode == 0, done.stderr
    assert "embedded-onnx-top1" in done.stdout
    assert "probability of 80 %" in done.stdout
    wrong = zoo("plan", "embeded/onnx", "--zoo", "embedded")
    assert (wrong.returncode, "nearest: embedded/onnx" in wrong.stderr) == (2, True)
