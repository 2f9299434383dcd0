"""Answers of full runs, by which the images of their relatives are drawn: made, read, kept, and chosen among.

A full run that was made on this machine is kept below the cache folder, so that `--reference auto` finds it.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from zoo import disk, kept
from zoo.documents.load import Zoo
from zoo.errors import RunFolderError, UsageError, known_names, listing
from zoo.images import recognition
from zoo.jobs.distances import distances, ranks
from zoo.jobs.kinship import related
from zoo.records import Checkpoint, Kinship, LabelMap, Run
from zoo.records.predictions import Predictions
from zoo.records.references import FORMAT, LARGEST, Reference, stem, steps
from zoo.rules.base import why_not_run
from zoo.runs.folder import RunFolder

_LOG = logging.getLogger("zoo")


class UnusableReferenceError(UsageError):
    """Answers that cannot serve as a reference, or not for these images (exit code 2)."""


# --- made of runs --------------------------------------------------------------------------------


def labels_digest_of(answers: Predictions) -> str:
    """What identifies the counted images and their labels: `recognition.labels_digest` of them."""
    rows = range(len(answers.ids))
    return recognition.labels_digest((stem(answers.ids[row]), tuple(answers.right_classes(row))) for row in rows)


def of_run(run: Run, answers: Predictions, label_map: LabelMap) -> Reference:
    """What a run answered on a whole population. Raises UnusableReferenceError where it cannot serve, with the reason.

    label_map: that of the run.
    """
    _check(run, answers)
    stems = [stem(name) for name in answers.ids]
    order = sorted(range(len(stems)), key=stems.__getitem__)
    doubles = [stems[row] for row, after in itertools.pairwise(order) if stems[row] == stems[after]]
    if doubles:
        raise UnusableReferenceError(
            f"{run.subject}: {len(doubles):,} images have the name of another, such as {doubles[0]!r}, so that "
            "names do not tell whose an answer is; give each image file its own name, whatever folder it is in"
        )
    places = ranks(answers, label_map)
    if not (np.array_equal(places == 1, answers.top1) and np.array_equal(places > 0, answers.top5)):
        raise UnusableReferenceError(
            f"{run.subject}: by label map {label_map.id!r} other images are right than the run counted; "
            "give the label map that the run was made with"
        )
    return Reference(
        subject=run.subject,
        run=run.key,
        sha256=run.sha256,
        population=run.population_id,
        labels_digest=labels_digest_of(answers),
        stems=tuple(stems[row] for row in order),
        answers=_classes(answers, label_map)[order],
        margins=steps(distances(answers, label_map))[order],
        ranks=places[order],
    )


def _check(run: Run, answers: Predictions) -> None:
    """Raise UnusableReferenceError for a run that did not answer a whole population."""
    if run.status != "done":
        wrong = f"expected a finished run, got one that is {run.status}: {why_not_run(run.error)}"
    elif run.population == "other":
        wrong = (
            f"expected answers to a whole population, got those to {run.image_set}, which is none that the zoo knows; "
            "declare these images in its populations.toml"
        )
    elif run.population != "full":
        wrong = f"expected answers to a whole population, got those to {run.n:,} images of it; run it without --sample"
    elif len(answers.ids) != run.n:
        wrong = f"expected {run.n:,} answers, got {len(answers.ids):,}; make the run again"
    else:
        return
    raise UnusableReferenceError(f"{run.subject}: {wrong}")


def _classes(answers: Predictions, label_map: LabelMap) -> NDArray[np.int32]:
    """Class of the best output of each image, -1 where it is no class, int32 (N,)."""
    best = answers.indices[:, 0].astype(np.int64) - label_map.first
    return np.where((best >= 0) & (best < label_map.classes), best, -1).astype(np.int32)


def of_folder(folder: RunFolder, subject: str | None = None) -> list[Reference]:
    """Of every run in it that answered a whole population, in the report's order.

    subject: `checkpoint@framework`, a shell pattern of it or of checkpoints, or how a run's key begins; then each of
    these runs has to serve. Raises UsageError that lists what is there, RunFolderError.
    """
    runs = folder.report().runs
    chosen = [run for run in runs if subject is None or _is_named(run, subject)]
    if not runs:
        raise UsageError(f"{folder.path}: it has no answers to images; give the folder of a `zoo validate`")
    if subject is not None and not chosen:
        near = known_names(subject, [run.subject for run in runs])
        raise UsageError(f"{folder.path}: it has no run {subject!r}; {near}")
    label_maps = {each.id: each for each in folder.documents().label_maps}
    found, refused = [], []
    for run in chosen:
        try:
            found.append(_of_folders_run(folder, run, label_maps.get(run.label_map)))
        except UnusableReferenceError as error:
            refused.append(str(error))
    if refused and (subject is not None or not found):
        raise UnusableReferenceError(listing(f"{folder.path}: no reference can be made of", refused))
    return found


def _is_named(run: Run, subject: str) -> bool:
    return (
        fnmatchcase(run.subject, subject)
        or fnmatchcase(run.checkpoint, subject)
        or (len(subject) >= 8 and run.key.startswith(subject))
    )


def _of_folders_run(folder: RunFolder, run: Run, label_map: LabelMap | None) -> Reference:
    answers = folder.predictions(run)
    if answers is None:
        wrong = "its answers are not in the folder" if run.status == "done" else why_not_run(run.error)
        raise UnusableReferenceError(f"{run.subject}: {wrong}")
    if label_map is None:
        raise RunFolderError(f"{folder.path}: its documents have no label map {run.label_map!r}")
    return of_run(run, answers, label_map)


# --- read ----------------------------------------------------------------------------------------


def read(path: Path) -> Reference:
    """A file that `zoo answers export` wrote. Raises UsageError where there is none, RunFolderError where it is not."""
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)  # `parse` refuses more
    except OSError as error:
        raise UsageError(f"{path}: expected a file of answers: {error.strerror or error}") from error
    return Reference.parse(data, path)


def check_fits(reference: Reference, population_id: str, labels_digest: str) -> None:
    """Raise UnusableReferenceError for answers to other images, or by other labels, than those at hand.

    labels_digest: of the counted images, by `recognition.labels_digest`.
    """
    if reference.population != population_id:
        what = f"population {population_id or '(none that is known)'!r}, got {reference.population or '(none)'!r}"
    elif reference.labels_digest != labels_digest:
        what = f"names and labels with digest {labels_digest:.12}, got {reference.labels_digest:.12}"
    else:
        return
    raise UnusableReferenceError(
        f"the reference {reference.subject} answered other images: expected {what}; make one with `zoo answers export` "
        "of a full run on these images and labels, or give --reference none"
    )


# --- kept on this machine ------------------------------------------------------------------------


def remember(reference: Reference) -> None:
    """Keep answers for later jobs on the same images. Raises CacheError."""
    path = _folder(reference.population, reference.labels_digest) / f"{disk.digest_of(reference.run)}.npz"
    if not kept.is_whole(path, _key(path)):
        kept.write(path, _key(path), reference.write)


def remembered(population_id: str, labels_digest: str) -> list[Reference]:
    """Every full run on these images that was made on this machine, the latest first. Raises CacheError.

    What is damaged is set aside.
    """
    stamps = sorted(_stamps(_folder(population_id, labels_digest)), reverse=True)
    found = [_read_kept(path, tuple(stamp)) for *stamp, path in stamps]
    wanted = population_id, labels_digest
    return [each for each in found if each is not None and (each.population, each.labels_digest) == wanted]


def _stamps(folder: Path) -> Iterator[tuple[int, int, int, Path]]:
    """Time, size and inode of each file; another process may take one away in the meantime."""
    for path in folder.glob("*.npz"):
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            yield status.st_mtime_ns, status.st_size, status.st_ino, path


def _folder(population_id: str, labels_digest: str) -> Path:
    return disk.home() / "references" / disk.digest_of([FORMAT, population_id, labels_digest])


def _key(path: Path) -> str:
    return f"{path.parent.name} {path.stem}"


@lru_cache(maxsize=16)
def _read_kept(path: Path, stamp: tuple[int, ...]) -> Reference | None:
    """None of a file that is damaged. stamp: of the file, as it is."""
    data = kept.read(path, _key(path))
    try:
        return None if data is None else Reference.parse(data, path)
    except RunFolderError as error:
        _LOG.warning("%s; it is not used", error)
        return None


# --- chosen --------------------------------------------------------------------------------------


def nearest(
    zoo: Zoo, checkpoint: Checkpoint, sha256: str | None, candidates: Sequence[Reference]
) -> tuple[Reference, Kinship] | None:
    """The candidate that should answer most as the checkpoint does, and why; None where none is related.

    sha256: over the checkpoint's files as they are here, None where that is not known. The same weights come first,
    then what one was converted from, then the same network; among these the same framework, then by name, then in the
    order in which they come.
    """
    known: dict[str, Kinship] = {}
    for other, kinship in related(zoo, checkpoint):
        known.setdefault(other.id, kinship)
    kin = [(each, why) for each in candidates if (why := _kinship(each, checkpoint, sha256, known)) is not None]

    def far(relative: tuple[Reference, Kinship]) -> tuple[int, bool, str]:
        reference, kinship = relative
        return get_args(Kinship).index(kinship), reference.framework != checkpoint.framework, reference.subject

    return min(kin, key=far, default=None)


def _kinship(
    reference: Reference, checkpoint: Checkpoint, sha256: str | None, known: Mapping[str, Kinship]
) -> Kinship | None:
    """known: of the checkpoints that are related by their records."""
    if sha256 is not None and reference.sha256 == sha256:
        return "same weights"
    if reference.checkpoint != checkpoint.id:
        return known.get(reference.checkpoint)
    # Files may have been exchanged since then, under the same id: nobody knows how much they have in common.
    exchanged = sha256 is not None and not checkpoint.export_from
    return "same network" if exchanged else "same weights"
