"""Rules C: published names that stood for more than one content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zoo.records import Checkpoint, Verdict
from zoo.rules.base import Evidence
from zoo.rules.documents import DocumentRule, grouped
from zoo.statements import Named

SHOWN = 8  # hex digits of a hash


class OneContent(DocumentRule):
    """A published name stands for one content; another content has another name."""

    id = "C301"
    remedy = "a new name, or the hash beside the name wherever a figure is printed"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each name whose contents a publisher's history gives."""
        named = evidence.stated(Named)
        for names in grouped(((each.publisher, each.kind, each.name), each) for each in named).values():
            yield self._verdict(names)

    def _verdict(self, names: Sequence[Named]) -> Verdict:
        contents = dict.fromkeys(each.content for each in names)
        subject = f"{names[0].publisher}: {names[0].name}"
        periods = "; ".join(f"{_shown(each.content)}{_period(each)}" for each in names)
        said = f"{len(contents)} contents: {periods}" if len(contents) > 1 else f"one content: {periods}"
        sizes = [each.size_bytes for each in names if each.size_bytes]
        arithmetic = (
            f"sizes: {', '.join(f'{size:,}' for size in dict.fromkeys(sizes))} bytes" if len(set(sizes)) > 1 else ""
        )
        texts = [(each, f"{each.name} is {_shown(each.content)}{_period(each)}") for each in names]
        return self.found(subject, len(contents) == 1, said, statements=texts, arithmetic=arithmetic)


class OneFile(DocumentRule):
    """Files that several publishers offer under one file name have the same bytes."""

    id = "C302"
    remedy = "the hash beside the name wherever a figure is printed"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each file name that two checkpoints have, where the hashes of both are known."""
        files = (
            (file.name, (checkpoint, file.sha256))
            for checkpoint in evidence.checkpoints.values()
            for file in checkpoint.files
            if file.sha256
        )
        for name, holders in grouped(files).items():
            if len(holders) > 1:
                yield self._verdict(str(name), holders)

    def _verdict(self, name: str, holders: Sequence[tuple[Checkpoint, str]]) -> Verdict:
        hashes = dict.fromkeys(digest for _, digest in holders)
        said = "; ".join(f"{checkpoint.id} {_shown(digest)}" for checkpoint, digest in holders)
        verdict = self.found(name, len(hashes) == 1, f"{len(hashes)} contents: {said}" if len(hashes) > 1 else said)
        sources = dict.fromkeys(source for checkpoint, _ in holders for source in checkpoint.sources)
        return verdict.model_copy(update={"sources": tuple(sources)})


def _shown(content: str) -> str:
    return f"{content[:SHOWN]}..." if len(content) > 2 * SHOWN and "/" not in content else content


def _period(named: Named) -> str:
    since, until = named.since if named.since > "0000" else "", named.until if named.until < "9999" else ""
    return (f" from {since}" if since else "") + (f" until {until}" if until else "")
