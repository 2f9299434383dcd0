"""Rules C: published names that stood for more than one content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from zoo.records import Checkpoint, File, FindingClass, Verdict
from zoo.records.statements import Named
from zoo.rules import findings
from zoo.rules.base import Evidence, grouped
from zoo.rules.claims import contents
from zoo.rules.claims.base import DocumentRule

SHOWN = 8  # hex digits of a hash


class OneContent(DocumentRule):
    """A published name stands for one content; another content has another name."""

    id = "C301"
    remedy = "a new name, or the hash beside the name wherever a figure is printed"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each name whose contents a publisher's history gives."""
        named = evidence.stated(Named)
        for names in grouped(((each.publisher, each.kind, each.name), each) for each in named).values():
            yield self._verdict(names, evidence)

    def _verdict(self, names: Sequence[Named], evidence: Evidence) -> Verdict:
        contents_by_key = list({each.content: each for each in names}.values())
        subject = f"{names[0].publisher}: {names[0].name}"
        periods = "; ".join(f"{_shown(each)}{_period(each)}" for each in names)
        different = [_different(*pair, evidence) for pair in combinations(contents_by_key, 2)]
        if True in different or not different:
            how_many = f"{len(contents_by_key)} contents" if different else "one content"
        else:
            how_many = f"{len(contents_by_key)} files, and no published hash tells whether their bytes differ"
        sizes = [each.size_bytes for each in names if each.size_bytes]
        arithmetic = (
            f"sizes: {', '.join(f'{size:,}' for size in dict.fromkeys(sizes))} bytes" if len(set(sizes)) > 1 else ""
        )
        one_document = len({each.source for each in names}) == 1
        kind: FindingClass = "differs_between_documents" if True in different and not one_document else "incomplete"
        texts = [(each, f"{each.name} is {_shown(each)}{_period(each)}") for each in names]
        finding = findings.plain(kind) if different else None
        return self.verdict_on(subject, finding, f"{how_many}: {periods}", statements=texts, arithmetic=arithmetic)


def _different(one: Named, other: Named, evidence: Evidence) -> bool | None:
    """Whether two contents are known to differ; None where no hash tells."""
    if one.checkpoint and other.checkpoint:
        same = contents.same(evidence.checkpoints[one.checkpoint], evidence.checkpoints[other.checkpoint])
        return None if same is None else not same
    first, second = (each.sha256 or (each.prefix if each.prefix_of == "sha256" else None) for each in (one, other))
    if not first or not second:
        return None
    length = min(len(first), len(second))
    return first[:length] != second[:length]


class OneFile(DocumentRule):
    """Files that several publishers offer under one file name, for one network, have the same bytes."""

    id = "C302"
    remedy = "the hash beside the name wherever a figure is printed"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each file name that two checkpoints of one network have, where the hashes are known."""
        files = (
            ((file.name, checkpoint.network), (checkpoint, file))
            for checkpoint in evidence.checkpoints.values()
            for file in checkpoint.files
            if file.sha256 and checkpoint.network
        )
        for holders in grouped(files).values():
            if len(holders) > 1:
                yield self._verdict(holders)

    def _verdict(self, holders: Sequence[tuple[Checkpoint, File]]) -> Verdict:
        name, hashes = holders[0][1].name, dict.fromkeys(file.sha256 for _, file in holders)
        holders_in_words = "; ".join(f"{checkpoint.id} {_short(file.sha256 or '')}" for checkpoint, file in holders)
        finding = findings.plain("differs_between_documents") if len(hashes) > 1 else None
        sources = dict.fromkeys(source for checkpoint, _ in holders for source in checkpoint.sources)
        reason = f"{len(hashes)} contents: {holders_in_words}" if finding else holders_in_words
        return self.verdict_on(name, finding, reason, sources=tuple(sources))


def _shown(named: Named) -> str:
    if named.prefix and named.prefix_of == "unknown":
        return f"the digits {named.prefix} of a hash that is not named"
    return _short(named.content)


def _short(content: str) -> str:
    return f"{content[:SHOWN]}..." if len(content) > 2 * SHOWN and "/" not in content else content


def _period(named: Named) -> str:
    since, until = named.since if named.since > "0000" else "", named.until if named.until < "9999" else ""
    return (f" from {since}" if since else "") + (f" until {until}" if until else "")
