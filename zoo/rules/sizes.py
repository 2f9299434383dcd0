"""Rules C: documented file sizes against the bytes of the file, or against what the network needs."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from zoo import architecture, printed
from zoo.records import Claim, Verdict
from zoo.rules.architecture import CLASSES, network_of
from zoo.rules.base import Evidence
from zoo.rules.documents import DocumentRule, decimal
from zoo.statements import Named
from zoo.wording import with_unit

UNITS = {"MB": 10**6, "MiB": 2**20}
WIDTHS = {4: "four bytes per value", 1: "one byte per value"}
AROUND = Fraction(1, 20)  # names, graph and container add at most this share to the values (seen: 0.1 to 3.2 %)


class FileSize(DocumentRule):
    """A documented size is the file's number of bytes in the printed unit, rounded; where the file's bytes are not
    known, its network's values fit into it.
    """

    id = "C406"
    remedy = "the size in bytes, or the unit's right name (MiB for 1,048,576 bytes)"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each size."""
        for claim in evidence.published():
            if claim.metric != "size":
                continue
            sizes = _known(claim, evidence)
            if sizes:
                yield self._by_bytes(claim, sizes)
            elif network := network_of(claim, evidence):
                own = architecture.parts(network)
                needed = {
                    (way.value * width, f"{way.words}, {WIDTHS[width]}")
                    for classes in {network.classes, *CLASSES}
                    for way in architecture.parameters(architecture.with_classes(own, classes))
                    for width in WIDTHS
                }
                yield self._by_network(claim, sorted(needed, reverse=True))

    def _by_bytes(self, claim: Claim, sizes: list[int]) -> Verdict:
        for index, size in enumerate(sizes):
            for unit in (claim.unit, *(other for other in UNITS if other != claim.unit)):
                if how := printed.fits(claim.value, Fraction(size, UNITS[unit])):
                    remarks = [f"the bytes of an earlier file of this name ({size:,})"] * (index > 0)
                    remarks += [f"{unit} under the name {claim.unit}"] * (unit != claim.unit)
                    remarks += ["cut off instead of rounded"] * (how != "rounded")
                    shown = f"{size:,} bytes are {decimal(Fraction(size, UNITS[unit]), 3)} {unit}"
                    return self.found(claim.id, not remarks, ", ".join(remarks) or shown, [claim], arithmetic=shown)
        shown = ", ".join(f"{decimal(Fraction(sizes[0], by), 3)} {unit}" for unit, by in UNITS.items())
        reason = f"the file's size is not {with_unit(claim)}, whatever the unit"
        return self.found(claim.id, False, reason, [claim], arithmetic=f"{sizes[0]:,} bytes are {shown}")

    def _by_network(self, claim: Claim, needed: list[tuple[int, str]]) -> Verdict:
        low, high = printed.possible(claim.value)
        for unit in (claim.unit, *(other for other in UNITS if other != claim.unit)):
            for size, words in needed:
                value = Fraction(size, UNITS[unit])
                if low <= value * (1 + AROUND) and value <= high:
                    shown = f"{size:,} bytes for {words}: {decimal(value, 3)} {unit}"
                    reason = shown if unit == claim.unit else f"{unit} under the name {claim.unit}"
                    return self.found(claim.id, unit == claim.unit, reason, [claim], arithmetic=shown)
        (most, words), (least, other) = needed[0], needed[-1]
        reason = f"no form of the documented network takes {with_unit(claim)}: {words} are the most"
        shown = f"{most:,} bytes are {most / 1e6:.3f} MB or {most / 2**20:.3f} MiB"
        return self.found(claim.id, False, reason, [claim], arithmetic=f"{shown}; the least {least:,} ({other})")


def _known(claim: Claim, evidence: Evidence) -> list[int]:
    """Bytes of the file that is meant, today's first, then those the name had before."""
    checkpoint = evidence.checkpoints.get(claim.checkpoint)
    sizes = []
    for file in checkpoint.files if checkpoint else ():
        for part in (file, file.archive):
            if part and part.size_bytes and claim.file == part.name:
                sizes.append(part.size_bytes)
    named = [each for each in evidence.stated(Named) if each.name == claim.file and each.size_bytes]
    earlier = [each.size_bytes for each in sorted(named, key=lambda each: each.until, reverse=True) if each.size_bytes]
    return list(dict.fromkeys([*sizes, *earlier]))
