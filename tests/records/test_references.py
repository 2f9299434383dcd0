"""The file of answers: what is written is read again; whatever is not whole is refused, and takes no memory."""

from __future__ import annotations

import io
import pickle
import random
import re
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.by_hand.answer_files import a_reference, arrays_of, edited, packed, with_member, written
from tests.by_hand.built import REPOSITORY
from tests.by_hand.folders import answers
from zoo import kept
from zoo.errors import RunFolderError
from zoo.records.references import FORMAT, LARGEST, Reference, stem, steps

PATH = Path("some.answers.npz")
WHOLE = written(a_reference())
ILSVRC = [f"ILSVRC2012_val_{number:08d}" for number in range(1, 50_001)]
NAMES = {
    "none": [],
    "one": ["a"],
    "empty name": ["", "a"],
    "validation set": ILSVRC[:300],
    "beyond ASCII": ["ameise", "bär", "bäuerin", "猫", "🦊", "e\u0301", "\u00e9"],
    "not UTF-8": ["bad\udcff", "bad\udcfe\udcff", "b\udcc3"],
    "long": ["x" * 700 + tail for tail in ("", "y", "z")] + ["x" * 255, "x" * 256],
    "odd": ["a b", "a\nb", "-", "..", "a@b"],
}


def parsed(data: bytes) -> Reference:
    return Reference.parse(data, PATH)


def refusal(data: bytes) -> str:
    """What is said of a file that is refused."""
    with pytest.raises(RunFolderError, match=r"^some\.answers\.npz: ") as caught:
        parsed(data)
    return str(caught.value)


# --- what is written is read again ---------------------------------------------------------------


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_what_is_written_is_read_again(names: list[str]) -> None:
    first = a_reference(names)
    again = parsed(written(first))
    assert (again.stems, again.digest) == (first.stems, first.digest)
    for name in ("subject", "run", "sha256", "population", "labels_digest"):
        assert getattr(again, name) == getattr(first, name)
    for name, dtype in (("answers", np.int32), ("margins", np.uint8), ("ranks", np.uint8)):
        array = getattr(again, name)
        assert array.dtype == dtype
        assert np.array_equal(array, getattr(first, name))
    assert [again.rows[name] for name in sorted(names)] == list(range(len(names)))


@pytest.mark.parametrize("classes", [[-1, -1, -1], [0, 254, 255], [256, 65_534, 65_535], [65_536, 2**24, 2**31 - 2]])
def test_classes_of_every_size(classes: list[int]) -> None:
    given = np.array(classes, np.int32)
    assert parsed(written(a_reference(answers=given, ranks=np.zeros(3, np.uint8)))).answers.tolist() == classes


def test_fifty_thousand_answers_take_150_kb() -> None:
    """Random answers: those of a network are easier to pack."""
    first = a_reference(ILSVRC)
    data = written(first)
    assert len(data) <= 150_000
    assert parsed(data).digest == first.digest


def test_names_that_cannot_be_packed_take_their_own_room() -> None:
    """Names of 128 random bits each: 16 bytes at least, whatever packs them."""
    random_names = random.Random(3)
    first = a_reference([f"{random_names.getrandbits(128):032x}" for _ in range(10_000)])
    data = written(first)
    assert 16 * 10_000 < len(data) < 16 * 10_000 * 1.4
    assert parsed(data).digest == first.digest


def test_the_digest_is_of_the_content() -> None:
    first = a_reference()
    arrays = arrays_of(written(first))
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)  # not compressed
    assert parsed(out.getvalue()).digest == first.digest
    others = [
        a_reference(stems=("a", "b", "d")),
        a_reference(run="2e" * 32),
        a_reference(labels_digest="1d" * 32),
        a_reference(answers=first.answers + 1),
        a_reference(margins=first.margins ^ 1),
        a_reference(ranks=first.ranks[::-1].copy()),
    ]
    assert len({first.digest, *(each.digest for each in others)}) == 1 + len(others)


def test_numpy_reads_it_and_a_kept_one_is_read_as_well(tmp_path: Path) -> None:
    first = a_reference()
    assert arrays_of(written(first))["ranks"].tolist() == first.ranks.tolist()
    kept.write(tmp_path / "kept.npz", "key", first.write)  # with a trailer behind it
    assert parsed((tmp_path / "kept.npz").read_bytes()).digest == first.digest


def test_the_page_describes_every_array() -> None:
    page = (REPOSITORY / "docs" / "fewer-images.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert set(arrays_of(written(a_reference()))) <= set(described)


def test_what_is_right() -> None:
    reference = a_reference(ranks=np.array([0, 1, 5], np.uint8))
    assert reference.correct("top1").tolist() == [False, True, False]
    assert reference.correct("top5").tolist() == [False, True, True]
    assert (reference.checkpoint, reference.framework) == ("embedded/onnx", "onnxruntime")


def test_steps_of_a_margin() -> None:
    nats = np.array([0, 0.024, 0.026, 1, 12.75, 12.8, 1e300, np.inf, np.nan, -1])
    assert steps(nats).tolist() == [0, 0, 1, 20, 255, 255, 255, 255, 0, 0]


def test_stems() -> None:
    assert [stem(name) for name in ("a/b/c.d.JPEG", "c", ".x", "a\\b.png")] == ["c.d", "c", ".x", "a\\b"]


# --- whatever is not whole is refused ------------------------------------------------------------


def test_no_changed_byte_is_believed() -> None:
    """Bytes that say nothing (times, versions of the packer) may change; what is read may not."""
    first, chance = a_reference(ILSVRC[:200]), random.Random(11)
    data, refused = written(first), 0
    for _ in range(300):
        at = chance.randrange(len(data))
        changed = data[:at] + bytes([data[at] ^ chance.randrange(1, 256)]) + data[at + 1 :]
        try:
            assert parsed(changed).digest == first.digest, at
        except RunFolderError:
            refused += 1
    assert refused > 200


def test_no_part_is_believed() -> None:
    data = written(a_reference(ILSVRC[:50]))
    for length in range(0, len(data), 7):
        assert "cut off" in refusal(data[:length])


@pytest.mark.parametrize("name", ["about", "tails", "answers", "margins", "ranks"])
def test_arrays_of_another_file(name: str) -> None:
    """Each file is whole; one of them has an array of the other."""
    other = written(a_reference(("d", "e", "f"), seed=8, run="2e" * 32))
    mixed = packed(arrays_of(WHOLE) | {name: arrays_of(other)[name]})
    assert "not that of which it states the digest" in refusal(mixed)


@pytest.mark.parametrize("name", ["shared", "tails", "answers", "margins", "ranks"])
def test_arrays_that_do_not_fit(name: str) -> None:
    array = arrays_of(written(a_reference()))[name]
    wrong: dict[str, np.ndarray | None] = {
        "missing": None,
        "cut": array[..., :-1],
        "longer": np.concatenate([array, array], axis=-1),
        "empty": array[..., :0],
        "other dtype": array.astype(np.int16),
        "floats": array.astype(np.float64),
        "another axis": array[None],
        "no axis": np.array(3, np.uint8),
        "text": np.array(["a", "b", "c"]),
        "objects": np.array([{}, {}, {}], dtype=object),
    }
    for what, changed in wrong.items():
        assert "damaged" in refusal(edited(WHOLE, {name: changed})), what


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"ranks": np.array([0, 6, 1], np.uint8)}, "cannot be"),
        ({"answers": np.full((4, 3), 255, np.uint8)}, "cannot be"),
        ({"answers": np.zeros((1, 3), np.uint8), "ranks": np.ones(3, np.uint8)}, "cannot be"),  # right without a class
        ({"answers": np.zeros((5, 3), np.uint8)}, "shape"),
        ({"answers": np.zeros((0, 3), np.uint8)}, "shape"),
        ({"tails": np.frombuffer(b"b\0a\0c\0", np.uint8)}, "not sorted"),
        ({"tails": np.frombuffer(b"a\0a\0c\0", np.uint8)}, "twice"),
        ({"tails": np.frombuffer(b"a\0b\0c", np.uint8)}, "names"),
        ({"tails": np.frombuffer(b"a\0b\0c\0\0", np.uint8)}, "names"),
    ],
)
def test_values_that_cannot_be(changes: dict[str, np.ndarray], word: str) -> None:
    assert word in refusal(edited(WHOLE, changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "no framework"},
        {"subject": 3},
        {"subject": "a@b\x1b[2J"},
        {"subject": "a@" + "b" * 300},
        {"run": None},
        {"population": "<b>\n"},
        {"labels_digest": "0D" * 32},
        {"labels_digest": ""},
        {"sha256": ["a"]},
    ],
)
def test_words_that_are_none(changes: dict[str, Any]) -> None:
    assert f"its {next(iter(changes))} is not" in refusal(edited(WHOLE, **changes))


@pytest.mark.parametrize("written_as", [FORMAT + 1, 0, "1", None, [FORMAT]])
def test_another_format(written_as: object) -> None:
    assert f"expected answers in format {FORMAT}, got {written_as!r}" in refusal(edited(WHOLE, format=written_as))


@pytest.mark.parametrize("text", [b"[]", b"{}", b"3", b"null", b"{", b"\xff", b"[" * 100_000])
def test_what_is_said_of_it_is_nonsense(text: bytes) -> None:
    assert "expected a file of answers" in refusal(packed(arrays_of(WHOLE) | {"about": np.frombuffer(text, np.uint8)}))


def test_other_files() -> None:
    predictions = io.BytesIO()
    answers([0, 1], [0, 1]).write(predictions)
    for data in (b"", b"text", predictions.getvalue(), packed({"a": np.zeros(3)}), b"PK\x05\x06" + bytes(18)):
        assert "expected a file of answers" in refusal(data)


# --- and takes no memory -------------------------------------------------------------------------


def header(shape: str, descr: str = "|u1") -> bytes:
    """The first bytes of an .npy that says it has this shape."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def lying(data: bytes) -> bytes:
    """The same archive, whose directory says that `tails` has 200 bytes once unpacked."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = archive.getinfo("tails.npy").file_size
    return data.replace(size.to_bytes(4, "little"), (200).to_bytes(4, "little"))


def growing() -> bytes:
    """Two million names, each of which is said to share 255 bytes with the one before."""
    nothing, count = np.zeros(2 << 20, np.uint8), 2 << 20
    tails = np.concatenate([np.full(255, ord("a"), np.uint8), nothing])
    arrays = {"shared": np.full(count, 255, np.uint8), "tails": tails, "answers": nothing[None]}
    return edited(WHOLE, arrays | {"margins": nothing, "ranks": nothing})


BOMBS: dict[str, Callable[[], bytes]] = {
    "a header of a trillion": lambda: with_member(WHOLE, "ranks.npy", header("(1000000000000,)") + b"abc"),
    "a header of nothing times much": lambda: with_member(WHOLE, "answers.npy", header("(0, 1000000000000)")),
    "zeros": lambda: with_member(WHOLE, "tails.npy", bytes(LARGEST + 1)),
    "zeros, and the directory lies": lambda: lying(with_member(WHOLE, "tails.npy", bytes(100 << 20))),
    "and it is packed otherwise": lambda: lying(with_member(WHOLE, "tails.npy", bytes(100 << 20), zipfile.ZIP_BZIP2)),
    "names that grow": growing,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_small_file_takes_little_memory(bomb: Callable[[], bytes]) -> None:
    data = bomb()
    assert len(data) < 400_000
    tracemalloc.start()
    try:
        refusal(data)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 80 << 20


def test_a_large_file_is_not_unpacked() -> None:
    assert f"at most {LARGEST:,} bytes" in refusal(WHOLE + bytes(LARGEST))


class Boom:
    """Pickled, it would run code."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize("name", ["about", "ranks", "tails"])
def test_no_pickle_is_loaded(name: str) -> None:
    refusal(with_member(WHOLE, f"{name}.npy", header("(3,)", "|O") + pickle.dumps([Boom()])))
    refusal(with_member(WHOLE, f"{name}.npy", pickle.dumps(Boom())))
