"""Which checkpoints are the same bytes, by all their published hashes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from zoo.records import Checkpoint, Digests, File

_PREFIX = "_prefix"
_SHORTEST = 6  # digits of a published beginning


def same(one: Checkpoint, other: Checkpoint) -> bool | None:
    """Whether two checkpoints are the same bytes; None where no hash tells.

    A published beginning of a hash is compared with as many digits of the other's; six digits agree by chance one time
    in 16 million.
    """
    if one.id == other.id:
        return True
    if not one.files or len(one.files) != len(other.files):
        return False if one.files and other.files else None
    same_files = [_same_file(*pair) for pair in zip(_ordered(one.files), _ordered(other.files), strict=True)]
    return None if None in same_files and False not in same_files else all(same_files)


def _ordered(files: Sequence[File]) -> list[File]:
    """Two publishers may list the same files in another order; several files are told apart by their suffix."""
    return sorted(files, key=lambda file: file.name.rpartition(".")[2])


def _same_file(one: File, other: File) -> bool | None:
    same = _same_digests(one, other)
    if same is None and one.archive and other.archive:
        around = _same_digests(one.archive, other.archive)
        return one.archive.member == other.archive.member if around else None
    return same


def _same_digests(one: Digests, other: Digests) -> bool | None:
    """By the strongest kind of hash that both have."""
    first, second = _by_kind(one), _by_kind(other)
    for kind, digits in first.items():
        if kind in second:
            length = min(len(digits), len(second[kind]))
            return digits[:length] == second[kind][:length]
    return None


def _by_kind(digests: Digests) -> dict[str, str]:
    """Kind ("sha256") -> the longest known beginning of its digits, strongest kind first."""
    by_kind: dict[str, str] = {}
    for name, digits in digests.published().items():
        by_kind.setdefault(name.removesuffix(_PREFIX), digits)
    return by_kind


def grouped(checkpoints: Iterable[Checkpoint]) -> list[list[Checkpoint]]:
    """Checkpoints that are known to be the same bytes together, each group and all groups in the given order."""
    groups: list[list[Checkpoint]] = []
    by_key: dict[tuple[str, str], list[list[Checkpoint]]] = {}
    for checkpoint in checkpoints:
        keys = list(_keys(checkpoint))
        near = (group for key in keys for group in by_key.get(key, ()))
        own = next((group for group in near if any(same(checkpoint, each) for each in group)), None)
        if own is None:
            own = []
            groups.append(own)
        own.append(checkpoint)
        for key in keys:
            if not any(group is own for group in by_key.setdefault(key, [])):
                by_key[key].append(own)
    return groups


def _keys(checkpoint: Checkpoint) -> Iterator[tuple[str, str]]:
    """What two checkpoints of the same bytes share one of, so that not every two need to be compared."""
    for file in checkpoint.files:
        for digests in (file, file.archive):
            for kind, digits in _by_kind(digests).items() if digests else ():
                yield kind, digits[:_SHORTEST]
