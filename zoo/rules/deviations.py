"""Known deviations: findings that are accepted as explained, and the rule that the list of them cannot rot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from zoo.records import Deviation, Verdict
from zoo.rules import findings
from zoo.rules.base import Evidence, Rule

BAD, GOOD = ("fail", "refuted"), ("pass", "confirmed")


def apply(
    verdicts: Sequence[Verdict], deviations: Iterable[Deviation], rules: Iterable[str], subjects: Iterable[str] | None
) -> list[Verdict]:
    """Verdicts with those that a deviation explains as "known", then one D101 for every entry that explains nothing.

    rules: ids of the rules that judged; entries for others are out of scope. subjects: those in scope, or None where
    every subject is, as for rules on documents.
    """
    ran, scope = set(rules), None if subjects is None else set(subjects)
    result, stale = list(verdicts), []
    for deviation in deviations:
        if deviation.rule not in ran or (scope is not None and deviation.subject not in scope):
            continue
        here = [
            index for index, verdict in enumerate(verdicts)
            if (verdict.rule, verdict.subject) == (deviation.rule, deviation.subject)
            and deviation.claim in ("", verdict.claim_id)
        ]  # fmt: skip
        for index in here:
            if verdicts[index].outcome in BAD:
                result[index] = _accepted(verdicts[index], deviation)
        if not here or all(verdicts[index].outcome in GOOD for index in here):
            stale.append(Outlived().outlived(deviation, bool(here)))
    return result + stale


def _accepted(verdict: Verdict, deviation: Deviation) -> Verdict:
    why = f"{verdict.reason}; accepted on {deviation.date}: {deviation.reason} ({deviation.link})"
    return verdict.changed(outcome="known", reason=why)


class Outlived(Rule):
    """A known deviation is still there: its rule, subject and claim exist, and the rule does not pass."""

    id = "D101"
    topic = "deviations"
    remedy = "remove or correct the entry in known_deviations.toml"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """Nothing: the verdicts are those of `outlived`, once the other rules have judged."""
        return iter(())

    def outlived(self, deviation: Deviation, passes: bool) -> Verdict:
        """The verdict on an entry whose rule passes now, or that matches no verdict."""
        what = "now passes" if passes else "matches no verdict: rule, subject and claim are compared exactly"
        claim = f" ({deviation.claim})" if deviation.claim else ""
        reason = f"{deviation.rule} on {deviation.subject}{claim} {what}"
        return self.verdict(
            deviation.id, "fail", reason, finding=findings.plain("contradiction"), remedy=self.remedy
        )  # fmt: skip
