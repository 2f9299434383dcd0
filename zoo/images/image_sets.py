"""Image sets: their images, the class of each image, and what is known of the whole set.

A user may have one of these (the file of labels lies in the folder, beside it, or is given):

| what | labels |
|---|---|
| class folders `n01440764/*.JPEG` | the folders' names |
| one flat folder of `ILSVRC2012_val_*.JPEG` | a label file in either numbering |
| `ILSVRC2012_img_val.tar`, read in place | the same, beside it |
| any folder with a `labels.csv` | that file |

Every image has a label and every label an image; anything else is an error that lists them.
"""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from zoo import disk
from zoo.documents.classes import imagenet_classes
from zoo.errors import ImageSetError, UsageError, known_names, listing, refuse
from zoo.images import labels

IMAGE_SUFFIXES = (".jpeg", ".jpg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm")
# Whatever is neither an image nor one of these may be an image that nobody would miss: it is an error.
OTHER_SUFFIXES = (".txt", ".csv", ".tsv", ".md", ".json", ".toml", ".xml", ".html", ".pdf", ".sh", ".py", ".mat")
OTHER_NAMES = ("readme", "license", "licence", "copying", "sha256sums", "md5sums", "thumbs.db", "desktop.ini")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # Python reads bytes that are not UTF-8 as half a surrogate pair


@dataclass(frozen=True)
class Image:
    """One image file, or one member of a tar archive.

    id: path relative to the set's root, with slashes; class_index: from 0; path: the file, or the archive;
    offset, size: where a member's bytes lie in the archive, None for a file of its own.
    """

    id: str
    class_index: int
    path: Path
    offset: int | None = None
    size: int | None = None

    @property
    def stem(self) -> str:
        """Name without folders and suffix: what is the same whatever form the set has."""
        return PurePosixPath(self.id).stem

    def bytes_stored(self) -> int:
        """How many bytes it has; raises OSError."""
        return self.path.stat().st_size if self.size is None else self.size

    def sha256(self) -> str:
        """Of the file's bytes; raises as `read` does."""
        if self.offset is not None:
            return hashlib.sha256(self.read()).hexdigest()
        with self.path.open("rb") as stream:  # whole archives are hashed too: not through memory
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def read(self) -> bytes:
        """The file's bytes. Raises OSError, or ImageSetError where an archive has become shorter."""
        if self.offset is None:
            return self.path.read_bytes()
        with self.path.open("rb") as stream:
            stream.seek(self.offset)
            data = stream.read(self.size)
        if len(data) != self.size:
            raise ImageSetError(f"{self.path}: {self.id}: expected {self.size} bytes, got {len(data)}")
        return data


@dataclass(frozen=True)
class ImageSet:
    """Images in a fixed order: sorted by id, or as drawn by `ordered`."""

    name: str
    root: Path
    images: tuple[Image, ...]

    def first(self, count: int) -> ImageSet:
        """Its first images."""
        return replace(self, images=self.images[:count])


def open_image_set(path: Path, label_file: Path | None = None) -> ImageSet:
    """The images at `path` (a folder, or a tar archive) with their labels. Raises ImageSetError."""
    root = disk.given(path, "--images").resolve()
    if root.is_dir():
        images = _images_in_folder(root)
    elif root.is_file():
        images = _images_in_tar(root)
    else:
        raise ImageSetError(_no_such_path(path))
    if not images:
        raise ImageSetError(
            f"{path}: no image in it; expected class folders (n01440764/*.JPEG), ILSVRC2012_val_*.JPEG, "
            "ILSVRC2012_img_val.tar or a folder with a labels.csv"
        )
    image_set = ImageSet(root.stem if root.is_file() else root.name, root, _labelled(root, images, label_file))
    _check_anchors(image_set)
    return image_set


def _no_such_path(path: Path) -> str:
    parent = path.parent
    if not parent.is_dir():
        return f"{path}: no such folder or archive, and {parent} does not exist either"
    try:
        names = [entry.name for entry in parent.iterdir()]
    except OSError as error:
        return f"{path}: no such folder or archive; {parent} cannot be listed: {error.strerror}"
    return f"{path}: no such folder or archive; {parent} holds {known_names(path.name, names)}"


# --- folders -------------------------------------------------------------------------------------


def _images_in_folder(root: Path) -> list[Image]:
    """Unlabelled images, sorted by id."""
    strange: list[str] = []
    images: list[Image] = []
    for path, name in _walk(root, "", (root,)):
        if _is_image(name, strange):
            images.append(Image(name, -1, path))
    _refuse_strange(root, strange)
    return sorted(images, key=lambda image: image.id)


def _walk(folder: Path, prefix: str, above: tuple[Path, ...]) -> Iterator[tuple[Path, str]]:
    """Files and their ids. Links are followed, for image folders are often made of them, but in no circle."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise ImageSetError(f"{folder}: cannot list the folder: {error.strerror or error}") from error
    for entry in entries:
        name = prefix + entry.name
        if entry.name.startswith("."):
            continue
        if not Path(entry.path).is_dir():  # of a link in a circle too: it is an image that cannot be read
            yield Path(entry.path), name
            continue
        real = Path(entry.path).resolve() if entry.is_symlink() else above[-1] / entry.name
        if real in above:
            raise ImageSetError(f"{entry.path}: the link leads back to a folder around it ({real}); remove it")
        yield from _walk(Path(entry.path), f"{name}/", (*above, real))


def _is_image(name: str, strange: list[str]) -> bool:
    """Whether it counts; names that are neither an image nor clearly something else go to `strange`."""
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    if _UNSAFE.search(name):
        strange.append(f"{name!a}: a control character in the name, or bytes that are not UTF-8")
    elif suffix in IMAGE_SUFFIXES:
        return True
    elif not (path.name.startswith(".") or suffix in OTHER_SUFFIXES or path.name.lower() in OTHER_NAMES):
        strange.append(name)
    return False


def _refuse_strange(root: Path, strange: Sequence[str]) -> None:
    images = f"neither images ({' '.join(IMAGE_SUFFIXES)}) nor known to be something else"
    refuse(f"{root}: {len(strange):,} files are {images}; move them away", strange)


# --- tar -----------------------------------------------------------------------------------------


def _images_in_tar(path: Path) -> list[Image]:
    """Unlabelled images of an archive that stays packed, sorted by id."""
    problems: list[str] = []
    strange: list[str] = []
    images: dict[str, Image] = {}
    for member in _members(path):
        name = member.name.removeprefix("./")
        if problem := _unsafe_member(member):
            problems.append(f"{member.name!r}: {problem}")
        elif member.isdir() or any(part.startswith(".") for part in PurePosixPath(name).parts):
            continue
        elif _is_image(name, strange):
            if name in images:
                problems.append(f"{name}: the same name twice")
            images[name] = Image(name, -1, path, member.offset_data, member.size)
    refuse(f"{path}: the archive is refused for {len(problems):,} members", problems)
    _refuse_strange(path, strange)
    return [images[name] for name in sorted(images)]


def _members(path: Path) -> list[tarfile.TarInfo]:
    """Headers of a whole, uncompressed archive. `tarfile` itself takes a damaged header for the end."""
    try:
        size = path.stat().st_size
        with tarfile.open(path, "r:") as archive:
            members = archive.getmembers()
            end = archive.offset
        with path.open("rb") as stream:
            stream.seek(end)
            block = stream.read(tarfile.BLOCKSIZE)
    except (tarfile.TarError, OSError, ValueError, RecursionError) as error:
        raise ImageSetError(
            f"{path}: expected a folder of images, or an uncompressed tar archive such as "
            f"ILSVRC2012_img_val.tar: {error}"
        ) from error
    if block != bytes(tarfile.BLOCKSIZE) or any(
        member.isreg() and member.offset_data + member.size > size for member in members
    ):
        raise ImageSetError(
            f"{path}: the archive is truncated or damaged: expected its end mark, got none at byte {end:,} "
            f"of {size:,} after {len(members):,} members; fetch it again"
        )
    return members


def _unsafe_member(member: tarfile.TarInfo) -> str:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts:
        return "the path leaves the archive"
    if member.issym() or member.islnk():
        return f"a link (to {member.linkname!r})"
    if member.issparse():
        return "a sparse file"
    if not (member.isreg() or member.isdir()):
        return "a device or something else that is no file"
    return ""


# --- labels --------------------------------------------------------------------------------------


def _labelled(root: Path, found: Sequence[Image], given: Path | None) -> tuple[Image, ...]:
    class_folders = _class_folders(found)
    if given is not None:
        label_file = disk.given(given, "--labels")
        if not label_file.is_file():
            raise ImageSetError(f"{given}: no such label file")
    else:
        beside = _label_file_beside(root, only_inside=class_folders)
        if beside is None:
            return _labelled_by_folder(root, found)
        label_file = beside
    images = _labelled_by_file(root, found, labels.read_labels(label_file))
    if class_folders:
        _compare(label_file, images, _labelled_by_folder(root, found))
    return images


def _label_file_beside(root: Path, *, only_inside: bool) -> Path | None:
    """The first label file in the folder, then in the one around it.

    Class folders label themselves; a list around them may well be of another set.
    """
    inside = [root] if root.is_dir() else []
    for folder in inside if only_inside else [*inside, root.parent]:
        for name in ("labels.csv",) if only_inside else labels.LABEL_FILES:
            if (folder / name).is_file():
                return folder / name
    return None


def _class_folders(images: Sequence[Image]) -> bool:
    """Whether every image lies directly in a folder named by a wnid."""
    parents = (PurePosixPath(image.id).parent.as_posix() for image in images)
    return all(labels.WNID.fullmatch(parent) for parent in set(parents))


def _labelled_by_folder(root: Path, images: Sequence[Image]) -> tuple[Image, ...]:
    known = imagenet_classes().by_wnid
    counts = Counter(PurePosixPath(image.id).parent.as_posix() for image in images)
    unnamed = [folder for folder in counts if not labels.WNID.fullmatch(folder)]
    if unnamed:
        raise ImageSetError(_no_labels(root, counts, unnamed))
    unknown = [f"{folder} ({counts[folder]} images)" for folder in counts if folder not in known]
    refuse(f"{root}: {len(unknown)} class folders are none of the 1000 classes of ILSVRC2012", unknown)
    return tuple(replace(image, class_index=known[image.id.partition("/")[0]]) for image in images)


def _no_labels(root: Path, counts: Mapping[str, int], unnamed: Sequence[str]) -> str:
    looked = f"looked for {', '.join(labels.LABEL_FILES)} in it and beside it"
    help_ = "give a label file with --labels, or add a labels.csv with the columns file,wnid or file,class_index"
    deeper = sorted(
        {str(PurePosixPath(name).parent) for name in counts if labels.WNID.fullmatch(PurePosixPath(name).name)} - {"."}
    )
    if deeper:
        help_ = f"class folders lie in {', '.join(deeper[:3])}: name that folder instead"
    if unnamed == ["."]:
        what = "the images have no labels"
    else:
        what = f"{len(unnamed)} folders are not named by a wnid such as n01440764, and there is no label file"
    where = (f"{'the folder itself' if name == '.' else name} ({counts[name]} images)" for name in unnamed)
    return listing(f"{root}: {what}; {looked}; {help_}", where)


def _labelled_by_file(root: Path, images: Sequence[Image], file: labels.LabelFile) -> tuple[Image, ...]:
    by_key = _by_key(root, images)
    known = _relative(file, root, by_key)
    without = [image.id for key, image in by_key.items() if key not in known]
    extra = [f"line {label.line}: {key}" for key, label in known.items() if key not in by_key]
    if not without and not extra:
        return tuple(replace(image, class_index=known[labels.key_of(image.id)].class_index) for image in images)
    parts = []
    if without:
        what = f"{root}: {len(without):,} of {len(images):,} images have no label in {file.path}"
        parts.append(listing(what, without))
    if extra:
        parts.append(listing(f"{file.path}: {len(extra):,} of {len(known):,} labels have no image in {root}", extra))
    if len(extra) == len(known):
        parts.append(f"(files are named relative to the image folder, such as {images[0].id})")
    elif extra and not without:
        parts.append("(a part of a set needs a label file of its own: a labels.csv with the columns file,wnid)")
    raise ImageSetError("\n".join(parts))


def _by_key(root: Path, images: Sequence[Image]) -> dict[str, Image]:
    by_key: dict[str, Image] = {}
    twice = []
    for image in images:
        other = by_key.setdefault(labels.key_of(image.id), image)
        if other is not image:
            twice.append(f"{image.id} and {other.id}")
    refuse(f"{root}: {len(twice):,} images are there twice", twice)
    return by_key


def _relative(file: labels.LabelFile, root: Path, by_key: Mapping[str, Image]) -> Mapping[str, labels.Label]:
    """Labels by keys relative to `root`; a file beside the folder may name the folder (`images/a.jpg`)."""
    prefix = f"{root.name}/"
    if any(key in by_key for key in file.labels) or not all(key.startswith(prefix) for key in file.labels):
        return file.labels
    return {key.removeprefix(prefix): label for key, label in file.labels.items()}


def _compare(label_file: Path, images: Sequence[Image], by_folder: Sequence[Image]) -> None:
    different = [
        f"{image.id}: class {image.class_index} in the file, {other.class_index} by its folder"
        for image, other in zip(images, by_folder, strict=True)
        if image.class_index != other.class_index
    ]
    what = f"{label_file}: {len(different):,} of {len(images):,} labels contradict the class folders"
    refuse(f"{what} (classes from 0, in the order of the wnids)", different)


def _check_anchors(image_set: ImageSet) -> None:
    """A few validation images are known: labels that deny them are shifted, or in another numbering."""
    known = labels.anchors()
    wrong = [
        f"{image.id}: labelled {image.class_index}, known to be {known[image.stem]}"
        for image in image_set.images
        if known.get(image.stem, image.class_index) != image.class_index
    ]
    what = "the labels contradict known images of the ILSVRC2012 validation set"
    doubt = "are they shifted, or in another numbering? (class_index counts from 0 in sorted-wnid order)"
    refuse(f"{image_set.root}: {what}; {doubt}", wrong)


def check_labels_against_classes(image_set: ImageSet, classes: int) -> None:
    """Raise ImageSetError where a label is none of the classes 0 to `classes` - 1."""
    outside = [f"{image.id}: {image.class_index}" for image in image_set.images if not 0 <= image.class_index < classes]
    what = f"{len(outside):,} labels are outside 0..{classes - 1}, the network's classes"
    refuse(f"{image_set.root}: {what}", outside)


# --- order ---------------------------------------------------------------------------------------


def ordered(image_set: ImageSet, seed: int) -> ImageSet:
    """The images in a random order that depends on names and seed alone, so that everyone draws the same."""

    def draw(image: Image) -> tuple[str, str]:
        name = f"{seed}:{image.stem}".encode("utf-8", "surrogateescape")
        return hashlib.sha256(name).hexdigest(), image.id

    return replace(image_set, images=tuple(sorted(image_set.images, key=draw)))


def sample(image_set: ImageSet, n: int, seed: int) -> ImageSet:
    """The first `n` of `ordered`, sorted by id."""
    if not 1 <= n <= len(image_set.images):
        raise UsageError(f"a sample of {n:,} images: expected 1 to {len(image_set.images):,}, the size of the set")
    drawn = ordered(image_set, seed).images[:n]
    return replace(image_set, images=tuple(sorted(drawn, key=lambda image: image.id)))
