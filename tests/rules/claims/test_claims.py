"""Rules C, each with documents for which it holds, for which it fails, and to which it does not apply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.by_hand.documents import RULES, SHA, checkpoint, claim, evidence, recipe
from zoo.records import Archive, File, LabelMap, TensorSpec
from zoo.records.statements import (
    Comparison,
    Complement,
    Converted,
    Crop,
    EvaluationBatch,
    Fact,
    Label,
    LearningRates,
    Named,
    Preprocessing,
    Quantised,
    Quoted,
    Steps,
    Within,
)
from zoo.rules.base import Evidence

ON = {"source": "page"}
TWO = (checkpoint("a/net"), checkpoint("b/net"))


def full(top1: str, top5: str, n: int = 50_000) -> Evidence:
    return evidence(
        claim("one", value=top1, unit="fraction", place="output", n_images=n),
        claim("five", metric="top5", value=top5, unit="fraction", place="output", n_images=n),
        statements=(EvaluationBatch(id="b", **ON, claims=("one",), batch=64),),
    )


def pair(first: str, second: str, **changes: Any) -> Evidence:
    """Two top-1 claims, the second with changes."""
    return evidence(claim("one", value=first), claim("two", value=second, **changes), checkpoints=TWO)


def weights(first: str, second: str) -> Evidence:
    both = checkpoint("a/net", weights="w"), checkpoint("b/net", SHA["b"], weights="w")
    return evidence(claim("one", value=first), claim("two", checkpoint="b/net", value=second), checkpoints=both)


def converted(first: str, second: str) -> Evidence:
    both = checkpoint("a/net"), checkpoint("b/net", SHA["b"], converted_from="a/net")
    claims = claim("one", value=first), claim("two", checkpoint="b/net", value=second)
    return evidence(*claims, checkpoints=both, statements=(Converted(id="c", **ON, checkpoints=("b/net",)),))


def figures(other: str) -> Evidence:
    """Top-1 and top-5 of two files."""
    both = checkpoint("a/net"), checkpoint("b/net", SHA["b"])
    claims = [
        claim(f"{name}{metric}", checkpoint=name, metric=metric, value=value)
        for name, top1 in (("a/net", "70.94"), ("b/net", other))
        for metric, value in (("top1", top1), ("top5", "89.99"))
    ]
    return evidence(*claims, checkpoints=both)


def loose(first: str, second: str) -> Evidence:
    return evidence(claim("one", checkpoint="", value=first), claim("two", checkpoint="", value=second))


def named(second: str) -> Evidence:
    names = [
        Named(id=f"n{i}", **ON, name="net.onnx", publisher="a", sha256=sha) for i, sha in enumerate((SHA["a"], second))
    ]
    return evidence(statements=tuple(names))


def counted(metric: str, value: str, unit: str = "M", **changes: Any) -> Evidence:
    return evidence(claim("one", metric=metric, value=value, unit=unit, **changes))


def network(**changes: Any) -> Evidence:
    return evidence(checkpoints=(checkpoint(network={"alpha": 1.0, "resolution": 224, "classes": 1000, **changes}),))


def label(word: Any, value: str = "300", metric: Any = "multiply_adds", unit: str = "M") -> Evidence:
    return evidence(
        claim("one", metric=metric, value=value, unit=unit),
        statements=(Label(id="l", **ON, metric=metric, label=word),),
    )


def sized(value: str, unit: str = "MB", size: int | None = 14_246_826, file: str = "net.pth") -> Evidence:
    files = (
        File(name="net.pth", size_bytes=size, archive=Archive(name="net.tar", member="net.pth", size_bytes=9_000_000)),
    )
    return evidence(
        claim("one", metric="size", value=value, unit=unit, file=file), checkpoints=(checkpoint(files=files),)
    )


def within(limit: str) -> Evidence:
    stated = Within(id="w", **ON, claims=("one",), reference="paper", limit=limit)
    return evidence(claim("one", value="70.94"), claim("paper", value="72.0"), statements=(stated,))


def quantised(metric: str, original: str, small: str, drop: str | None, unit: str = "percent") -> Evidence:
    stated = Quantised(id="q", **ON, original="one", quantised="two", drop=drop)
    claims = (claim(name, metric=metric, value=value, unit=unit) for name, value in (("one", original), ("two", small)))
    return evidence(*claims, statements=(stated,))


def quotation(value: str, metric: Any = "top1") -> Evidence:
    stated = Quoted(id="q", **ON, document="page", metric=metric, value=value, is_error=True)
    return evidence(claim("one", value="72.0"), statements=(stated,))


def compared(other_recipe: str, other_top5: str) -> Evidence:
    both = checkpoint("a/net"), checkpoint("b/net", recipe=other_recipe)
    claims = [
        claim(f"{name}{metric}", checkpoint=name, framework=framework, metric=metric, value=value)
        for name, framework, top1, top5 in (("a/net", "torch", "72.0", "90.0"), ("b/net", "mxnet", "71.0", other_top5))
        for metric, value in (("top1", top1), ("top5", top5))
    ]
    recipes = {"r": recipe("r"), "tight": recipe("tight", short=300)}
    stated = Comparison(id="c", **ON, framework="torch", other="mxnet")
    return evidence(*claims, checkpoints=both, statements=(stated,), recipes=recipes)


def conversion(scale: str) -> Evidence:
    options: dict[str, Any] = {"mean": "123.675,116.28,103.53", "scale": scale, "reverse_input_channels": True}
    both = checkpoint("a/net"), checkpoint("b/net", recipe="bgr", converted_from="a/net", options=options)
    return evidence(checkpoints=both, recipes={"r": recipe("r"), "bgr": recipe("bgr", bgr=True)})


def uses(second: str) -> Evidence:
    recipes = {"r": recipe("r"), "tight": recipe("tight", short=300), "same": recipe("same")}
    stated = [
        Preprocessing(id=name, **ON, checkpoint="a/net", purpose=name, recipe=name)
        for name in dict.fromkeys(("r", second))
    ]
    return evidence(statements=tuple(stated), recipes=recipes)


def kept(share: str, of: Any, name: str = "r") -> Evidence:
    return evidence(statements=(Crop(id="k", **ON, recipe=name, kept=share, of=of),), recipes={"r": recipe("r")})


def rates(epochs: int) -> Evidence:
    printed = ("0.09998", "0.09990", "0.09978", "0.09961")
    return evidence(statements=(LearningRates(id="l", **ON, base="0.1", printed=printed, epochs=epochs),))


def steps(printed: int) -> Evidence:
    return evidence(statements=(Steps(id="s", **ON, images=1_281_167, batch=64, devices=8, printed=printed),))


def fact(*values: str, topic: str = "outputs") -> Evidence:
    labels = {"m": LabelMap(id="m", outputs=1001, classes=1000, first=0)}
    shape = TensorSpec(name="in", dtype="float32", shape=(1, 3, 224, 224))
    facts = [Fact(id=f"f{i}", **ON, subject="a/net", topic=topic, value=value) for i, value in enumerate(values)]
    return evidence(checkpoints=(checkpoint(input=shape),), statements=tuple(facts), label_maps=labels)


def error(text: str) -> Evidence:
    return evidence(claim("one", value="72.0"), statements=(Complement(id="e", **ON, claim="one", error=text),))


Case = Callable[[], Evidence]
LATENCY = {"metric": "latency", "unit": "ms"}
# rule: documents for which it holds, for which it fails, to which it does not apply
CASES: dict[str, tuple[Case, Case, Case]] = {
    "C101": (lambda: evidence(claim(value="71.878")), lambda: evidence(claim(value="71.877")),
             lambda: evidence(claim(value="13.5", metric="size", unit="MB"))),
    "C102": (lambda: full("0.69231999999999999", "0.88716000000000000"),
             lambda: full("0.6922876602564103", "0.8871594551282052"), lambda: full("0.692", "0.887")),
    "C103": (lambda: full("0.692441581306018", "0.8872439180537772", 49_984),
             lambda: full("0.6922876602564103", "0.8871594551282052"), lambda: full("0.692", "0.887")),
    "C104": (lambda: pair("71.8", "90.3", metric="top5"), lambda: pair("71.8", "70.3", metric="top5"),
             lambda: evidence(claim())),
    "C105": (lambda: error("28.0"), lambda: error("29.0"), lambda: evidence(claim())),
    "C106": (lambda: pair("71.8", "75.0", alpha=1.4), lambda: pair("71.8", "70.0", alpha=1.4),
             lambda: pair("71.8", "70.0")),
    "C107": (lambda: pair("71.8", "70.0"), lambda: pair("71.8", "70.03"), lambda: evidence(claim())),
    "C201": (lambda: pair("71.8", "71.84"), lambda: pair("71.8", "71.91"), lambda: evidence(claim())),
    "C202": (lambda: weights("70.94", "70.9"), lambda: weights("70.94", "69.48"), lambda: pair("71.8", "71.91")),
    "C203": (lambda: converted("71.8", "71.82"), lambda: converted("71.8", "71.336"), lambda: pair("71.8", "71.91")),
    "C204": (lambda: figures("70.95"), lambda: figures("70.94"), lambda: pair("71.8", "71.8")),
    "C205": (lambda: pair("71.8", "71.82", by="third_party"), lambda: pair("71.8", "70.13", by="third_party"),
             lambda: pair("71.8", "70.13")),
    "C206": (lambda: loose("72.0", "72.04"), lambda: loose("72.0", "71.7"), lambda: pair("72.0", "71.7")),
    "C301": (lambda: named(SHA["a"]), lambda: named(SHA["b"]), evidence),
    "C302": (lambda: evidence(checkpoints=TWO),
             lambda: evidence(checkpoints=(checkpoint(), checkpoint("b/net", SHA["b"]))), evidence),
    "C401": (lambda: counted("parameters", "3.505"), lambda: counted("parameters", "3.489"), lambda: evidence(claim())),
    "C402": (lambda: counted("multiply_adds", "301"), lambda: counted("multiply_adds", "300"),
             lambda: evidence(claim())),
    "C403": (lambda: evidence(claim("one", metric="parameters", value="3.505", unit="M"),
                              claim("two", metric="parameters", value="3.5", unit="M", source="other")),
             lambda: evidence(claim("one", metric="parameters", value="3.505", unit="M"),
                              claim("two", metric="parameters", value="3.47", unit="M", source="other")),
             lambda: counted("parameters", "3.505")),
    "C404": (network, lambda: network(expand_first=True), lambda: evidence(checkpoints=(checkpoint(network=None),))),
    "C405": (lambda: label("MACs"), lambda: label("FLOPs"), lambda: counted("multiply_adds", "300")),
    "C406": (lambda: sized("14.2"), lambda: sized("13.6"), lambda: evidence(claim())),
    "C501": (lambda: within("2"), lambda: within("1"), lambda: evidence(claim())),
    "C502": (lambda: quantised("top1", "69.48", "68.30", "1.70"), lambda: quantised("top1", "69.48", "68.30", "1.50"),
             lambda: quantised("top1", "69.48", "68.30", None)),
    "C503": (lambda: quotation("28.0"), lambda: quotation("10", "top5"), lambda: evidence(claim())),
    "C504": (lambda: compared("r", "89.0"), lambda: compared("tight", "90.5"), lambda: evidence(claim())),
    "C601": (lambda: conversion("58.395,57.12,57.375"), lambda: conversion("58.624,57.12,57.375"), evidence),
    "C602": (lambda: uses("same"), lambda: uses("tight"), lambda: uses("r")),
    "C603": (lambda: kept("87.5", "side"), lambda: kept("87.5", "area"), lambda: kept("87.5", "side", "unknown")),
    "C701": (lambda: rates(100), lambda: rates(200), evidence),
    "C702": (lambda: steps(2502), lambda: steps(20018), evidence),
    "C801": (lambda: fact("1001", "1001"), lambda: fact("1000"), lambda: fact("1", topic="anything else")),
}  # fmt: skip


# what kind of finding the second documents give, and in what its size is
CLASSES = {
    "C101": ("cannot_be", "points"), "C102": ("cannot_be", "points"), "C103": ("contradiction", "points"),
    "C104": ("cannot_be", "points"), "C105": ("contradiction", "points"), "C106": ("incomplete", "points"),
    "C107": ("unit_or_rounding", "points"), "C201": ("differs_between_documents", "points"),
    "C202": ("differs_between_documents", "points"), "C203": ("differs_between_documents", "points"),
    "C204": ("incomplete", None), "C205": ("differs_between_documents", "points"), "C206": ("contradiction", "points"),
    "C301": ("incomplete", None), "C302": ("differs_between_documents", None), "C401": ("incomplete", "percent"),
    "C402": ("unit_or_rounding", "percent"), "C403": ("differs_between_documents", "percent"),
    "C404": ("differs_between_documents", "percent"), "C405": ("unit_or_rounding", "percent"),
    "C406": ("unit_or_rounding", "percent"), "C501": ("contradiction", "points"), "C502": ("contradiction", "points"),
    "C503": ("incomplete", None), "C504": ("incomplete", None), "C601": ("contradiction", None),
    "C602": ("differs_between_documents", None), "C603": ("contradiction", None), "C701": ("contradiction", None),
    "C702": ("contradiction", None), "C801": ("differs_between_documents", None),
}  # fmt: skip


def outcomes(rule: str, documents: Evidence) -> set[str]:
    return {verdict.outcome for verdict in RULES[rule].judge(documents)}


def test_every_rule_has_its_cases() -> None:
    assert set(CASES) == set(RULES)


@pytest.mark.parametrize("rule", CASES)
def test_holds(rule: str) -> None:
    assert outcomes(rule, CASES[rule][0]()) == {"pass"}


@pytest.mark.parametrize("rule", CASES)
def test_fails(rule: str) -> None:
    verdicts = [verdict for verdict in RULES[rule].judge(CASES[rule][1]()) if verdict.outcome == "fail"]
    assert verdicts
    for verdict in verdicts:
        assert verdict.reason
        assert verdict.remedy
        assert verdict.rule == rule
        assert (verdict.finding_class, verdict.size_unit) == CLASSES[rule]
        assert (verdict.size is None) == (verdict.size_unit is None)


@pytest.mark.parametrize("rule", CASES)
def test_does_not_apply(rule: str) -> None:
    assert outcomes(rule, CASES[rule][2]()) == set()


@pytest.mark.parametrize(
    ("documents", "words"),
    [
        (sized("13.6"), "MiB under the name MB"),
        (sized("13.5"), "cut off"),
        (sized("8.6", unit="MiB", file="net.tar"), ""),
        (sized("13.6", size=None), "the file is not known"),
        (sized("40", size=None), "none of the 30 forms"),
    ],
)
def test_sizes_say_what_is_wrong(documents: Evidence, words: str) -> None:
    (verdict,) = RULES["C406"].judge(documents)
    assert words in verdict.reason
    assert verdict.outcome == ("fail" if words else "pass")


def test_parameters_name_the_way_of_counting() -> None:
    (verdict,) = RULES["C401"].judge(counted("parameters", "3.489"))
    assert "folded" in verdict.reason
    assert "with 1,001 classes" in verdict.reason
    assert "this one has 1,000" in verdict.reason
    (verdict,) = RULES["C401"].judge(counted("parameters", "6.9"))
    assert "none of the 5 ways of counting known here gives 6.9 M" in verdict.reason


def test_int8_speed_has_a_limit() -> None:
    assert outcomes("C502", quantised("latency", "18.10", "1.34", None, "ms")) == {"fail"}
    assert outcomes("C502", quantised("latency", "18.10", "6.00", None, "ms")) == {"pass"}


def test_counts_say_what_follows_for_the_full_set() -> None:
    (verdict,) = RULES["C102"].judge(full("0.692441581306018", "0.8872439180537772"))
    assert "34,611 to 34,627" in verdict.reason
    assert "batches of 32 or 64" in verdict.reason


def test_digits_of_no_number_of_images() -> None:
    mistyped = full("0.6924415813080618", "0.8872439180537772")
    (verdict,) = RULES["C102"].judge(mistyped)
    assert (verdict.outcome, verdict.finding_class) == ("fail", "cannot_be")
    assert verdict.reason == "no n up to 50,000 gives every one of these digits"
    assert outcomes("C103", mistyped) == set()


def operations(value: str, **changes: Any) -> Evidence:
    return counted("gflops", value, "GMAC", **changes)


def test_operations_are_counted_as_layer_hooks_do() -> None:
    """299,494,272 multiply-adds without the classifier, 2 x 6,678,112 of batch norm, 6,105,792 of ReLU6: 318.956 M."""
    (verdict,) = RULES["C402"].judge(operations("0.319"))
    assert verdict.outcome == "pass"
    assert "without the classifier" in verdict.reason
    assert "318,956,288" in verdict.reason
    (verdict,) = RULES["C402"].judge(operations("0.320"))
    assert "none of the 6 ways of counting known here gives 0.320 GMAC" in verdict.reason
    assert (verdict.finding_class, verdict.size_unit) == ("incomplete", "percent")


def test_a_rounding_rule_is_named_where_it_changes_a_width() -> None:
    (verdict,) = RULES["C404"].judge(network(expand_first=True, rounding="truncate"))
    assert verdict.reason == "not the paper's layers: an expansion in the first bottleneck"
    assert outcomes("C404", network(rounding="truncate")) == {"pass"}
    (verdict,) = RULES["C404"].judge(network(alpha=0.75, rounding="truncate"))
    assert verdict.reason == "not the paper's layers: widths by 'truncate'"
    assert verdict.size == pytest.approx(14.18, abs=0.01)


def test_an_assumed_network_departs_from_nothing() -> None:
    departing = checkpoint(network={"alpha": 1.0, "resolution": 224, "classes": 1000, "expand_first": True})
    assert outcomes("C404", evidence(checkpoints=(departing,))) == {"fail"}
    assumed = departing.changed(network_assumed=True)
    assert outcomes("C404", evidence(checkpoints=(assumed,))) == set()


def test_a_size_of_an_unknown_file_claims_nothing_about_its_content() -> None:
    (verdict,) = RULES["C406"].judge(sized("13.6", size=None))
    assert verdict.reason.startswith(
        "the file is not known; none of the 30 forms of the network known here takes 13.6 MB"
    )
    assert "perhaps MiB under the name MB" in verdict.reason
    assert (verdict.finding_class, verdict.habit) == ("incomplete", "")
    (verdict,) = RULES["C406"].judge(sized("13.6"))
    assert (verdict.finding_class, verdict.habit) == ("unit_or_rounding", "MiB under the name MB")
    assert verdict.size == pytest.approx(100 * (1 - 13.6e6 / 14_246_826))


def test_half_precision_is_a_form() -> None:
    assert outcomes("C406", sized("7.0", size=None)) == {"pass"}


def parameter_counts(*values: str, **changes: Any) -> Evidence:
    """Printed counts of documents of their own, the last of a network with changes."""
    names = [f"{letter}/net" for letter in "abc"[: len(values)]]
    claims = [
        claim(name, checkpoint=name, metric="parameters", value=value, unit="M", source=f"page-{name}")
        for name, value in zip(names, values, strict=True)
    ]
    plain = {"alpha": 1.0, "resolution": 224, "classes": 1000}
    networks = [plain] * (len(names) - 1) + [plain | changes]
    both = tuple(checkpoint(name, SHA[name[0]], network=net) for name, net in zip(names, networks, strict=True))
    return evidence(*claims, checkpoints=both)


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        (parameter_counts("3.505", "3.5"), {"pass"}),  # the same count with fewer digits
        (parameter_counts("3.5", "3.54"), {"pass"}),  # both round from what includes the running statistics
        (parameter_counts("3.505", "3.54"), {"fail"}),
        (parameter_counts("3.505", "3.506", classes=1001), {"pass"}),  # one way, of networks with other classes
        (parameter_counts("3.505", "3.506", expand_first=True), set()),  # two architectures
    ],
)
def test_one_way_of_counting(documents: Evidence, expected: set[str]) -> None:
    assert outcomes("C403", documents) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"alpha": 0.35, "value": "1.7"}, {"alpha": 0.5, "value": "2.0"}, "pass"),
        ({"alpha": 0.75, "value": "2.6"}, {"alpha": 1.0, "value": "2.6"}, "fail"),
        ({"alpha": 0.1, "value": "1"}, {"alpha": 0.11, "value": "1"}, "pass"),  # too near for the print to tell
    ],
)
def test_equal_counts_are_out_of_order_where_the_print_would_tell(
    first: dict[str, Any], second: dict[str, Any], expected: str
) -> None:
    of = {"checkpoint": "", "model": "MobileNetV2", "metric": "parameters", "unit": "M", "place": "column parameters"}
    assert outcomes("C106", evidence(claim("one", **of, **first), claim("two", **of, **second))) == {expected}


def test_top_five_is_compared_with_top_one_of_the_same_row() -> None:
    small = {"resolution": 96, "place": "row small"}
    rows = [
        claim("one", value="71.8"), claim("five", metric="top5", value="90.3"),
        claim("small-one", value="48.0", **small), claim("small-five", metric="top5", value="71.0", **small),
    ]  # fmt: skip
    assert outcomes("C104", evidence(*rows)) == {"pass"}
    assert outcomes("C104", evidence(claim("one", value="99.8"), claim("five", metric="top5", value="99.75"))) == {
        "pass"
    }
    wrong = [*rows[:3], claim("small-five", metric="top5", value="47.0", **small)]
    (verdict,) = RULES["C104"].judge(evidence(*wrong))
    assert (verdict.outcome, verdict.size) == ("fail", 1.0)


def test_a_name_with_digits_of_no_named_hash_is_not_two_contents() -> None:
    names = (
        Named(id="one", **ON, name="net", publisher="a", sha256=SHA["a"]),
        Named(id="two", **ON, name="net", publisher="a", prefix="bbbbbbb", prefix_of="unknown"),
    )
    (verdict,) = RULES["C301"].judge(evidence(statements=names))
    assert "no published hash tells whether their bytes differ" in verdict.reason
    assert verdict.finding_class == "incomplete"
    beginning = names[1].changed(prefix_of="sha256")
    (verdict,) = RULES["C301"].judge(evidence(statements=(names[0], beginning)))
    assert verdict.reason.startswith("2 contents")


def test_one_file_name_for_two_networks_is_no_finding() -> None:
    wider = {"alpha": 1.4, "resolution": 224, "classes": 1000}
    both = checkpoint(), checkpoint("b/net", SHA["b"], network=wider)
    assert outcomes("C302", evidence(checkpoints=both)) == set()


def test_a_limit_may_hold_for_the_figure_as_another_quotes_it() -> None:
    stated = Within(id="w", **ON, claims=("one",), reference="paper", limit="1")
    quoted = Quoted(id="q", source="other", document="page", metric="top1", value="71.7")
    both = claim("one", value="70.94", source="readme"), claim("paper", value="72.0")
    (verdict,) = RULES["C501"].judge(evidence(*both, statements=(stated, quoted)))
    assert (verdict.outcome, verdict.finding_class) == ("fail", "incomplete")
    assert "within it from 71.7 %, as other quotes page" in verdict.reason
    (verdict,) = RULES["C501"].judge(evidence(*both, statements=(stated,)))
    assert (verdict.finding_class, verdict.size) == ("contradiction", 0.06)


@pytest.mark.parametrize(("value", "chance"), [("71.878", 0.50000499995), ("71.88", 1.0), ("0.71878", 0.50000499995)])
def test_attainable_says_what_chance_would_do(value: str, chance: float) -> None:
    unit = "fraction" if value.startswith("0") else "percent"
    (verdict,) = RULES["C101"].judge(evidence(claim(value=value, unit=unit)))
    assert verdict.chance == pytest.approx(chance)
    likely = (
        "every number with as many digits passes" if chance == 1 else "50.00 % of all numbers with as many digits pass"
    )
    assert verdict.reason.endswith(f"; {likely}")


def test_an_impossible_accuracy_is_sized_by_the_way_to_a_possible_one() -> None:
    (verdict,) = RULES["C101"].judge(evidence(claim(value="71.877")))
    assert (verdict.size, verdict.size_unit) == (0.001, "points")
    assert verdict.reason.endswith("50.00 % of all numbers with as many digits pass")
    (verdict,) = RULES["C101"].judge(evidence(claim(value="99.5", n_images=60)))
    assert verdict.arithmetic == "59 and 60 of 60 are 98.3333 and 100"


def test_of_an_accuracy_of_nothing_there_is_no_share() -> None:
    stated = Within(id="w", **ON, claims=("one",), reference="paper", limit="1")
    nothing = claim("paper", value="0.0"), claim("one", value="1.0")
    assert outcomes("C501", evidence(*nothing, statements=(stated,))) == set()
    assert outcomes("C502", quantised("top1", "0.0", "1.0", "0.5")) == set()


def test_another_family_of_a_width_is_no_mobilenet_v2() -> None:
    """Without a checkpoint only the printed name says what the network is."""
    for model, judged in (("MobileNet v2", 1), ("mobilenetv2_1.0", 1), ("mobilenet_v3_large", 0), ("mobilenet_v1", 0)):
        documents = counted("parameters", "5.4", checkpoint="", model=model)
        assert len(list(RULES["C401"].judge(documents))) == judged, model


def test_a_sentence_names_a_few_of_many_figures() -> None:
    figures = [claim(f"c{at}", value=f"{50 + at}.{at % 2}", alpha=1 + at / 10) for at in range(12)]
    odd = [claim(f"o{at}", value=f"{60 + at}.25") for at in range(10)]
    (verdict,) = RULES["C107"].judge(evidence(*figures, *odd))
    assert verdict.reason.endswith("but not 60.25, 61.25, 62.25, 63.25, 64.25, 65.25, 66.25, 67.25, 2 more")
    falling = [each.changed(value=f"{80 - at}.0") for at, each in enumerate(figures)]
    (verdict,) = RULES["C106"].judge(evidence(*falling))
    assert verdict.reason.endswith("; 58 more")
