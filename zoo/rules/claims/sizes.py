"""Rules C: documented file sizes against the bytes of the file, or against what the network needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from zoo.documents import counting, rounding
from zoo.documents.formatting import with_unit
from zoo.records import Claim, FindingClass, Verdict
from zoo.records.statements import Named
from zoo.rules import findings
from zoo.rules.base import Evidence
from zoo.rules.claims.architecture import CLASSES, network_of
from zoo.rules.claims.base import DocumentRule, decimal
from zoo.rules.findings import Finding

UNITS = {"MB": 10**6, "MiB": 2**20}
WIDTHS = {4: "four bytes per value", 2: "two bytes per value", 1: "one byte per value"}
MIB_AS_MB = "MiB under the name MB"
AROUND = Fraction(1, 20)  # names, graph and container add at most this share to the values (seen: 0.1 to 3.2 %)


class _Form(NamedTuple):
    """A form in which the network's values can be stored. words: which values, in how many bytes each."""

    size: int
    words: str


class FileSize(DocumentRule):
    """A documented size is the file's number of bytes in the printed unit, rounded; where the file's bytes are not
    known, its network's values fit into it.

    Of a file that nobody has looked into nothing more can be said than which forms of the network would fit.
    """

    id = "C406"
    remedy = "the size in bytes, or the unit's right name (MiB for 1,048,576 bytes)"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each size."""
        for claim in evidence.published():
            if claim.metric != "size":
                continue
            own, earlier = _known(claim, evidence)
            if own or earlier:
                yield self._by_bytes(claim, own, earlier)
            elif network := network_of(claim, evidence):
                parts = counting.parts(network)
                forms = {
                    _Form(way.value * width, f"{way.words}, {WIDTHS[width]}")
                    for classes in {network.classes, *CLASSES}
                    for way in counting.parameters(counting.with_classes(parts, classes))
                    for width in WIDTHS
                }
                yield self._by_network(claim, sorted(forms, reverse=True))

    def _by_bytes(self, claim: Claim, own: Sequence[int], earlier: Sequence[int]) -> Verdict:
        for size in (*own, *earlier):
            for unit in (claim.unit, *(other for other in UNITS if other != claim.unit)):
                if how := rounding.fits(claim.value, Fraction(size, UNITS[unit])):
                    return self._fitting(claim, size, unit, how, own if size not in own else ())
        size = (*own, *earlier)[0]
        shown = ", ".join(f"{decimal(Fraction(size, by), 3)} {unit}" for unit, by in UNITS.items())
        reason = f"the file's size is not {with_unit(claim)}, whatever the unit"
        finding = _sized("contradiction", claim, size)
        return self.verdict_on(claim.id, finding, reason, [claim], arithmetic=f"{size:,} bytes are {shown}")

    def _fitting(self, claim: Claim, size: int, unit: str, how: str, not_these: Sequence[int]) -> Verdict:
        """not_these: bytes of today's file where it is not the one that fits."""
        other_unit, cut = unit != claim.unit, how == "cut off"
        remarks = [f"{unit} under the name {claim.unit}"] * other_unit + ["cut off instead of rounded"] * cut
        shown = f"{size:,} bytes are {decimal(Fraction(size, UNITS[unit]), 3)} {unit}"
        if not_these:
            today = ", ".join(f"{each:,}" for each in not_these)
            reason = f"not today's file ({today} bytes), but {size:,} bytes that had this name before"
            reason = ", ".join([reason, *remarks])
            other_file = _sized("differs_between_documents", claim, not_these[0])
            return self.verdict_on(claim.id, other_file, reason, [claim], arithmetic=shown)
        habit = MIB_AS_MB if (claim.unit, unit) == ("MB", "MiB") else ""
        finding = _sized("unit_or_rounding", claim, size, habit=habit) if remarks else None
        return self.verdict_on(claim.id, finding, ", ".join(remarks) or shown, [claim], arithmetic=shown)

    def _by_network(self, claim: Claim, forms: Sequence[_Form]) -> Verdict:
        low, high = rounding.possible(claim.value)
        none = f"none of the {len(forms)} forms of the network known here"
        for unit in (claim.unit, *(other for other in UNITS if other != claim.unit)):
            for size, words in forms:
                value = Fraction(size, UNITS[unit])
                if low <= value * (1 + AROUND) and value <= high:
                    shown = f"{size:,} bytes for {words}: {decimal(value, 3)} {unit}"
                    if unit == claim.unit:
                        return self.verdict_on(claim.id, None, shown, [claim], arithmetic=shown)
                    reason = (
                        f"the file is not known; {none} takes {with_unit(claim)}; perhaps {unit} under the name "
                        f"{claim.unit}: {claim.value} {unit} would be {words}"
                    )
                    return self.verdict_on(
                        claim.id, _sized("incomplete", claim, size), reason, [claim], arithmetic=shown
                    )  # fmt: skip
        (most, words), (least, other) = forms[0], forms[-1]
        nearest = min(forms, key=lambda form: abs(form.size - Fraction(claim.value) * UNITS[claim.unit])).size
        reason = f"the file is not known; {none} takes {with_unit(claim)}: the most is {words}"
        shown = f"{most:,} bytes are {most / 1e6:.3f} MB or {most / 2**20:.3f} MiB"
        return self.verdict_on(
            claim.id, _sized("incomplete", claim, nearest), reason, [claim],
            arithmetic=f"{shown}; the least {least:,} ({other})",
        )  # fmt: skip


def _sized(kind: FindingClass, claim: Claim, size: int, *, habit: str = "") -> Finding:
    """How far the print, in its own unit, is from a number of bytes."""
    return findings.percent(kind, Fraction(claim.value) * UNITS[claim.unit], Fraction(size), habit=habit)


def _known(claim: Claim, evidence: Evidence) -> tuple[list[int], list[int]]:
    """Bytes of the file that is meant, and those that its name had before, the latest first."""
    checkpoint = evidence.checkpoints.get(claim.checkpoint)
    sizes = [
        part.size_bytes
        for file in (checkpoint.files if checkpoint else ())
        for part in (file, file.archive)
        if part and part.size_bytes and claim.file == part.name
    ]
    named = [each for each in evidence.stated(Named) if claim.file and each.name == claim.file and each.size_bytes]
    latest_first = sorted(named, key=lambda each: each.until, reverse=True)
    earlier = [each.size_bytes for each in latest_first if each.size_bytes and each.size_bytes not in sizes]
    return list(dict.fromkeys(sizes)), list(dict.fromkeys(earlier))
