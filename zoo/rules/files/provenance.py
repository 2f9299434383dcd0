"""Rules P: whether the files are the published ones, and take and give what is documented."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from zoo.records import File, Port, TensorSpec, Verdict
from zoo.rules import findings
from zoo.rules.base import Evidence
from zoo.rules.files.base import FileRule, known, looked_into
from zoo.rules.findings import Finding

SHOWN = 8  # hex digits of a hash
CONTRADICTION = findings.plain("contradiction")


class PublishedHash(FileRule):
    """Every file has the hash that its publisher prints, the strongest one where there are several.

    A file without a published hash is not judged. One with another hash is never loaded.
    """

    id = "P101"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each checkpoint of which a hash is published."""
        for inspection, checkpoint in known(evidence):
            compared = [each for each in inspection.files if each.hash != "unpublished"]
            wrong = [each for each in compared if each.hash == "different"]
            hashes = {file.name: next(iter(file.published().items()), ("", "")) for file in checkpoint.files}
            if wrong:
                hashes_in_words = "; ".join(
                    "{}: expected {} {}, got sha256 {}".format(each.name, *hashes.get(each.name, ("", "")), each.sha256)
                    for each in wrong
                )
                yield self.on_file(inspection, checkpoint, f"{hashes_in_words}; not loaded", CONTRADICTION)
            elif compared:
                equal = "; ".join(f"{each.name}: {each.by} {each.sha256[:SHOWN]}..." for each in compared)
                yield self.on_file(inspection, checkpoint, f"{equal} as published")


class PublishedSize(FileRule):
    """Every file has the number of bytes that its publisher states."""

    id = "P102"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each checkpoint of which a size in bytes is known."""
        for inspection, checkpoint in known(evidence):
            sizes = {each.name: each.size_bytes for each in inspection.files}
            stated = [file for file in checkpoint.files if file.size_bytes and file.name in sizes]
            wrong = [file for file in stated if file.size_bytes != sizes[file.name]]
            if stated:
                sizes_in_words = "; ".join(_size(file, sizes[file.name]) for file in wrong or stated)
                yield self.on_file(inspection, checkpoint, sizes_in_words, _largest(wrong, sizes))


class Ports(FileRule):
    """The graph has the documented input and output: name, element type and shape, -1 being a free dimension.

    A dimension that is free in the graph takes the documented size; one that is documented as free has to be.
    """

    id = "P103"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each graph whose input or output is documented."""
        for inspection, checkpoint, measured in looked_into(evidence):
            pairs = [("input", checkpoint.input, measured.inputs), ("output", checkpoint.output, measured.outputs)]
            stated = [(kind, spec, ports) for kind, spec, ports in pairs if spec is not None]
            if not stated or not measured.graph:
                continue
            wrong = [problem for kind, spec, ports in stated if (problem := _difference(kind, spec, ports))]
            right = [f"{kind} {_shown(spec)}" for kind, spec, _ in stated]
            yield self.on_file(inspection, checkpoint, "; ".join(wrong or right), CONTRADICTION if wrong else None)


class Opset(FileRule):
    """A graph states the documented version of its set of operators."""

    id = "P104"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each file with a version that is documented."""
        for inspection, checkpoint, measured in looked_into(evidence):
            if checkpoint.opset is None or measured.opset is None:
                continue
            holds = measured.opset == checkpoint.opset
            reason = (
                f"opset {measured.opset}" if holds else f"documented opset {checkpoint.opset}, got {measured.opset}"
            )
            yield self.on_file(inspection, checkpoint, reason, None if holds else CONTRADICTION)


def _largest(wrong: Sequence[File], sizes: Mapping[str, int]) -> Finding | None:
    """By how much the stated size of a file is wrong, where it is most."""
    by_file = [
        findings.percent("contradiction", Fraction(file.size_bytes or 0), Fraction(sizes[file.name]))
        for file in wrong if sizes[file.name]
    ]  # fmt: skip
    return max(by_file, key=lambda each: each.size or 0, default=CONTRADICTION if wrong else None)


def _size(file: File, got: int) -> str:
    if file.size_bytes == got:
        return f"{file.name}: {got:,} bytes"
    return f"{file.name}: expected {file.size_bytes:,} bytes, got {got:,}"


def _difference(kind: str, spec: TensorSpec, ports: Sequence[Port]) -> str:
    """Why none of `ports` is the documented one; empty if one is."""
    named = [port for port in ports if port.name == spec.name]
    if not named:
        return f"no {kind} {spec.name!r}; the graph has {', '.join(map(_shown, ports)) or 'none'}"
    (port,) = named[:1]
    if port.dtype == spec.dtype and (port.shape is None or _fits(spec.shape, port.shape)):
        return ""
    return f"{kind}: documented {_shown(spec)}, got {_shown(port)}"


def _fits(stated: Sequence[int], got: Sequence[int]) -> bool:
    return len(stated) == len(got) and all(has in (want, -1) for want, has in zip(stated, got, strict=True))


def _shown(spec: TensorSpec | Port) -> str:
    """ "data float32 [1, 3, 224, 224] (NCHW)"."""
    shape = list(spec.shape) if spec.shape is not None else "of any shape"
    layout = ""
    if spec.shape is not None and len(spec.shape) == 4:
        layout = " (NCHW)" if spec.shape[1] == 3 else " (NHWC)" if spec.shape[3] == 3 else ""
    return f"{spec.name} {spec.dtype} {shape}{layout}"
