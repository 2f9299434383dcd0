"""Every fault is one: it changes what it says, and most change answers. A few are followed from end to end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.by_hand.built import REPOSITORY, built
from tests.by_hand.far_side import FarError, FarSide
from tests.by_hand.real_networks import NCHW
from tests.faults import catalogue, healthy, planting
from tests.faults.base import BASES, REAL, Fault
from tests.faults.measure import measured
from tests.faults.setups import Setup, good

ROWS = 48
CAUSE = re.compile(r"\b((?:labels|answers|recipe|file|layer|repeat)\.[a-z0-9_]+)\b")
OWN_FILE = [each for each in catalogue.EMBEDDED if each.kind not in ("labels", "recipe")]
SAME_FILE = [each for each in catalogue.EMBEDDED if each.kind == "recipe"]
# One or two of each class, those that take the least time.
FOLLOWED = (
    "offset_plus_3", "text_order", "bgr", "padding_same", "only_relu", "no_residual_12", "rows_rolled", "half_of_10",
    "one_class", "noise",
)  # fmt: skip
SOUND = ("as_exported", "folded_norms", "softmax", "background_first")


def _name(fault: Fault) -> str:
    return fault.name


def test_there_are_enough() -> None:
    assert len(catalogue.EMBEDDED) >= 60
    assert len(healthy.HEALTHY) >= 30
    names = Counter(each.name for each in (*catalogue.FAULTS, *catalogue.HEALTHY))
    assert [name for name, count in names.items() if count > 1] == []


def test_each_says_what_names_it() -> None:
    assert [each.name for each in catalogue.FAULTS if not each.expected] == []
    assert [each.name for each in catalogue.HEALTHY if each.expected or each.moves] == []
    assert {each.base for each in catalogue.BY_NAME.values()} <= {*BASES}


def test_forms_are_different() -> None:
    for each in catalogue.BY_NAME.values():
        assert each.forms
        assert len({str(form) for form in each.forms}) == len(each.forms)


def _causes_of_the_suite() -> set[str]:
    sources = [path.read_text(encoding="utf-8") for path in (REPOSITORY / "zoo").rglob("*.py")]
    return {cause for text in sources for cause in CAUSE.findall(text)}


@pytest.mark.parametrize("fault", catalogue.FAULTS, ids=_name)
def test_the_suite_has_a_name_for_it(fault: Fault) -> None:
    assert fault.expected & _causes_of_the_suite()


# --- something is planted ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def writer() -> Iterator[FarSide]:
    """ONNX Runtime, which writes and runs."""
    with FarSide("onnxruntime") as far:
        yield far


def scores(setup: Setup, folder: Path, writer: FarSide) -> np.ndarray | None:
    """Scores (N, outputs) of the first images; None where the network gives none that are numbers."""
    files = planting.write_files(setup, "onnx", folder, writer)
    rows = planting.inputs(setup, setup.pictures[:ROWS])
    try:
        writer.load([folder / name for name in files], "onnx")
        return writer.predict(rows.transpose(0, 2, 3, 1), NCHW if setup.layout == "nchw" else [])
    except FarError as error:
        if "finite" in str(error) or "NaN" in str(error):
            return None
        raise


@pytest.fixture(scope="module")
def right(writer: FarSide, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """Scores of the good setups by name."""
    found = {}
    for base in ("embedded", "QDQ", "QOperator"):
        answered = scores(good(base), tmp_path_factory.mktemp("good") / base, writer)
        assert answered is not None
        found[base] = answered
    return found


@pytest.mark.parametrize("fault", [each for each in OWN_FILE if each.name != "stale_answers"], ids=_name)
def test_a_bad_file_answers_otherwise(
    fault: Fault, writer: FarSide, right: dict[str, np.ndarray], tmp_path: Path
) -> None:
    bad = scores(fault.plant(good(fault.base)), tmp_path / "bad", writer)
    assert bad is None or np.abs(bad - right[fault.base]).max() > 0.05
    if bad is not None and fault.moves and fault.kind != "repeat":
        changed = (bad.argmax(axis=1) != right[fault.base].argmax(axis=1)).mean()
        assert changed > 0.03


@pytest.mark.parametrize("fault", SAME_FILE, ids=_name)
def test_a_bad_recipe_gives_other_inputs(fault: Fault) -> None:
    well = good(fault.base)
    bad = fault.plant(well)
    before, after = (planting.inputs(each, each.pictures[:4]) for each in (well, bad))
    assert np.abs(before - after).max() > 0.05


@pytest.mark.parametrize("fault", [each for each in catalogue.EMBEDDED if each.kind == "labels"], ids=_name)
def test_bad_labels_are_others(fault: Fault) -> None:
    well = good(fault.base)
    bad = fault.plant(well)
    before = {each.source: each.label for each in well.pictures}
    moved = sum(before[each.source] != each.label for each in bad.pictures)
    assert moved > 0.02 * len(well.pictures) or bad.outputs != well.outputs
    classes = {int(each.label) for each in bad.pictures}
    assert classes <= set(range(bad.outputs.classes))


def _has_the_same_inputs(sound: Fault) -> bool:
    """Of the others, tests of variations run the whole job."""
    well = good("embedded")
    setup = sound.plant(well)
    alike = setup.layout == "nchw" and setup.pictures == well.pictures and not sound.name.startswith("batch_of")
    return alike and not setup.words


@pytest.mark.parametrize("sound", [each for each in healthy.CONTROLS if _has_the_same_inputs(each)], ids=_name)
def test_a_healthy_file_answers_alike(
    sound: Fault, writer: FarSide, right: dict[str, np.ndarray], tmp_path: Path
) -> None:
    setup = sound.plant(good("embedded"))
    answered = scores(setup, tmp_path / "sound", writer)
    assert answered is not None
    classes = answered.argmax(axis=1) - setup.outputs.first
    assert (classes == right["embedded"].argmax(axis=1)).mean() > 0.97


# --- from end to end -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", FOLLOWED)
def test_it_is_noticed_and_named_first(name: str, tmp_path: Path) -> None:
    built("onnxruntime")
    fault = catalogue.BY_NAME[name]
    result = measured(fault, fault.forms[0], good(fault.base), tmp_path)
    assert not result.error
    assert result.noticed
    assert result.first or result.tied, result.line()


@pytest.mark.slow
@pytest.mark.parametrize("name", SOUND)
def test_nothing_is_named_in_a_healthy_one(name: str, tmp_path: Path) -> None:
    built("onnxruntime")
    sound = catalogue.BY_NAME[name]
    result = measured(sound, sound.forms[0], good(sound.base), tmp_path)
    assert not result.error
    assert not result.noticed
    assert list(result.candidates) == []


def test_real_networks_are_among_them() -> None:
    assert {each.base for each in catalogue.FAULTS} >= {*REAL}
