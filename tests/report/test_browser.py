"""The page in Chromium: filters, sorting, keyboard, nothing from outside, and accessibility.

`ZOO_CHROMIUM` names the browser, default Debian's; `ZOO_AXE` names axe.min.js, default that of axe-playwright-python.
"""

from __future__ import annotations

import base64
import io
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.by_hand.built import REPOSITORY
from tests.by_hand.drawn import World
from tests.by_hand.folders import ANIMALS, answers, run_with
from tests.by_hand.latencies import a_bench, variant_tables
from tests.by_hand.records import a_diagnosis, a_mixed_report, a_report, a_run, a_verdict
from tests.by_hand.sides import side
from zoo.documents.load import load_zoo
from zoo.jobs.audit import audit
from zoo.records import Verdict
from zoo.report import changes, html
from zoo.report.audit import to_html as audit_to_html
from zoo.report.extras import Extras
from zoo.runs import agreement
from zoo.runs.changes import compare

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NAMES = ("chromium", "chromium-browser", "google-chrome")
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LOOKS = [(size, scheme) for size in ("desktop", "phone") for scheme in ("light", "dark")]
PAGES = ("report", "matrix", "drawn", "bench", "pictures", "changes", "audit")


def _axe() -> Path | None:
    """Only its script is used: it runs in a page whose own policy is switched off, as no report lets it in."""
    if chosen := os.environ.get("ZOO_AXE"):
        return Path(chosen)
    package = find_spec("axe_playwright_python")
    return Path(package.origin).with_name("axe.min.js") if package and package.origin else None


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    found = os.environ.get("ZOO_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("needs Chromium: apt-get install chromium, or ZOO_CHROMIUM=path")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield started
        started.close()


def _extras() -> Extras:
    found = {"1a" * 32: answers([0, 1, 2], [0, 1, 3]), "2b" * 32: answers([0, 4, 2], [0, 1, 3])}
    runs = [run_with(each, key=key, framework=key[:2]) for key, each in found.items()]
    finding = Verdict(
        rule="C101", subject="embedded/onnx top1", outcome="fail", reason="It cannot be.", printed=("1 %",)
    )
    costs = {"embedded/onnx": 58_000_000, "mindspore/mobilenet_v2_0.75_192": 154_000_000}
    groups = agreement.groups(runs, lambda run: found[run.key], {ANIMALS.id: ANIMALS})
    return Extras(agreement=groups * 2, multiply_adds=costs, findings=(finding,))


def _picture() -> str:
    stream = io.BytesIO()
    Image.new("RGB", (96, 64), (200, 90, 20)).save(stream, "JPEG")
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each kind of page, with every section that it can have."""
    report, claims = a_mixed_report()
    twice = a_report([a_run(), a_run(framework="openvino", key="9a" * 32), a_run(checkpoint="b/c", key="8b" * 32)])
    world = World.of(1500)
    drawn, _ = world.drawn(world.relative(), 256, world.reference)
    worse = a_report([a_run(top1_correct=600)], [a_verdict(outcome="refuted")], platform="elsewhere")
    sources = {
        "report": html.render(report.changed(diagnoses=(a_diagnosis(),)), claims, _extras()),
        "matrix": html.render(twice, claims, _extras()),
        "drawn": html.render(a_report([drawn]), claims),
        "bench": html.render(*a_bench(), Extras(variants=variant_tables())),
        "pictures": html.render(report, claims, replace(_extras(), thumbnails={"1.png": _picture()})),
        "changes": changes.to_html(compare(side(a_report()), side(worse))),
        "audit": audit_to_html(audit(load_zoo("published"))),
    }
    folder = tmp_path_factory.mktemp("pages")
    for name, source in sources.items():
        (folder / f"{name}.html").write_text(source, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in sources}


class _Watched:
    """A page, what its console said, and what it asked for besides itself."""

    def __init__(self, context: Any, path: Path) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page = context.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())
        self.address = path.as_uri()

    def shown(self, table: str) -> list[str]:
        """First header cell of each row that is seen."""
        rows = self.page.locator(f"#{table} tbody tr:visible th")
        return [" ".join(text.split()) for text in rows.all_inner_texts()]


@pytest.fixture
def opened(browser: Any, pages: dict[str, Path]) -> Iterator[Any]:
    """`opened(name, size, scheme)`: a watched page; afterwards nothing may have been said or asked."""
    contexts, watched = [], []

    def open_page(name: str, size: str = "desktop", scheme: str = "light") -> _Watched:
        context = browser.new_context(viewport=DESKTOP if size == "desktop" else PHONE, color_scheme=scheme)
        contexts.append(context)
        watched.append(_Watched(context, pages[name]))
        return watched[-1]

    yield open_page
    for each in watched:
        assert each.said == []
        assert each.asked == [each.address]
    for context in contexts:
        context.close()


def test_pictures_are_let_in_where_they_are_asked_for(opened: Any) -> None:
    watched = opened("pictures")
    pictures = watched.page.locator("img")
    assert pictures.count() > 0
    assert pictures.evaluate_all("all => all.every(each => each.naturalWidth === 96)")


def test_verdicts_are_filtered(opened: Any) -> None:
    watched = opened("report")
    form = watched.page.locator("form[data-table=verdicts-table]")
    assert form.locator("output").inner_text() == "8 of 8 shown"
    form.get_by_label("Outcome").select_option("refuted")
    assert form.locator("output").inner_text() == "1 of 8 shown"
    assert [name.split("@")[0] for name in watched.shown("verdicts-table")] == ["mindspore/mobilenet_v2_0.75_192"]
    form.get_by_label("Outcome").select_option("")
    form.get_by_label("Text").fill("gluon  MXNET")
    assert form.locator("output").inner_text() == "1 of 8 shown"


def test_findings_of_an_audit_are_filtered(opened: Any) -> None:
    watched = opened("audit")
    form = watched.page.locator("form[data-table=findings-table]")
    count = form.locator("output")
    number = int(count.inner_text().split()[0])

    def shown() -> int:
        rows = watched.page.locator("#findings-table tbody tr:visible").count()
        assert count.inner_text() == f"{rows} of {number} shown"
        return rows

    def chosen(**fields: str) -> int:
        form.get_by_role("button", name="Show all").click()
        assert shown() == number
        for name, value in fields.items():
            control = form.locator(f"[name={name}]")
            if control.evaluate("each => each.tagName") == "SELECT":
                control.select_option(value)
            else:
                control.fill(value)
        return shown()

    contradictions = chosen(**{"class": "contradiction"})
    assert 0 < chosen(**{"class": "contradiction"}, unit="points") < contradictions < number
    assert 0 < chosen(publisher="Keras", rule="C203") < chosen(publisher="Keras") < number
    assert chosen(rule="C203", publisher="torchvision") == 0
    assert 0 < chosen(least="3", unit="points") < chosen(least="3") < chosen(least="0") < number
    assert chosen(text="KERAS-025  9.7") == 1
    watched.page.locator("#counts a", has_text="MiB under the name MB").click()
    assert 0 < shown() < number
    assert form.locator("[name=rule]").input_value() == "C406"


def test_an_audit_reads_without_its_script(browser: Any, pages: dict[str, Path]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["audit"].as_uri())
    assert page.locator("form:visible").count() == 0
    assert page.locator("#findings-table tbody tr:visible").count() > 100
    context.close()


def test_runs_are_filtered_and_sorted(opened: Any) -> None:
    watched = opened("report")
    before = watched.shown("runs-table")
    head = watched.page.locator("#runs-table thead")
    head.get_by_role("button", name="checkpoint").click()
    assert watched.shown("runs-table") == sorted(before)
    assert head.locator("th").first.get_attribute("aria-sort") == "ascending"
    head.get_by_role("button", name="checkpoint").click()
    assert watched.shown("runs-table") == sorted(before, reverse=True)
    head.get_by_role("button", name="top-1").click()
    assert watched.shown("runs-table")[-1] == "mxnet/gluon-1.0"  # it failed: no number, so last
    form = watched.page.locator("form[data-table=runs-table]")
    form.get_by_label("Outcome").select_option("confirmed")
    assert watched.shown("runs-table") == ["embedded/onnx"]


def test_a_phone_sorts_by_a_list(opened: Any) -> None:
    watched = opened("report", "phone")
    before = watched.shown("runs-table")
    choice = watched.page.get_by_label("Sort by")
    choice.select_option("checkpoint ↓")
    assert watched.shown("runs-table") == sorted(before, reverse=True)
    choice.select_option("as run")
    assert watched.shown("runs-table") == before
    assert not watched.page.locator("#runs-table thead button").first.is_visible()


def test_latencies_are_filtered_and_sorted(opened: Any) -> None:
    watched = opened("bench")
    form = watched.page.locator("form[data-table=latency-table]")
    form.get_by_label("Outcome").select_option("not measurable here")
    assert form.locator("output").inner_text() == "2 of 9 shown"
    form.get_by_label("Outcome").select_option("")
    head = watched.page.locator("#latency-table thead")
    head.get_by_role("button", name="p50").click()
    frameworks = watched.page.locator("#latency-table tbody td[data-label=framework]").all_inner_texts()
    assert (frameworks[0], frameworks[-1]) == ("openvino", "mxnet")  # the fastest; the one that failed


def test_everything_is_reached_by_the_keyboard(opened: Any) -> None:
    watched = opened("report")
    controls = "a[href], button, select, input, summary, [tabindex='0']"
    expected = watched.page.locator(controls).evaluate_all("all => all.filter(e => e.offsetParent !== null).length")
    reached = []
    for _ in range(expected + 5):
        watched.page.keyboard.press("Tab")
        now = watched.page.evaluate(
            "() => { const e = document.activeElement; if (e === document.body) return null;"
            " const s = getComputedStyle(e); return [[...document.querySelectorAll('*')].indexOf(e),"
            " s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0]; }"
        )
        if now is None:
            break
        assert now[1], "the focus is not seen"
        reached.append(now[0])
    assert len(set(reached)) >= expected - 1  # the link that skips to the results is seen only when it has the focus
    watched.page.locator("#runs-table thead button").first.focus()
    watched.page.keyboard.press("Enter")
    assert watched.page.locator("#runs-table thead th").first.get_attribute("aria-sort") == "ascending"


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_own_checks_of_accessibility(opened: Any, name: str, size: str, scheme: str) -> None:
    watched = opened(name, size, scheme)
    checks = (REPOSITORY / "tests" / "report" / "accessibility.js").read_text(encoding="utf-8")
    assert watched.page.evaluate(checks) == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_nothing_is_wider_than_the_screen(opened: Any, name: str, size: str) -> None:
    watched = opened(name, size)
    wide = watched.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_axe_finds_nothing(browser: Any, pages: dict[str, Path], name: str, size: str, scheme: str) -> None:
    axe = _axe()
    if axe is None:
        message = "needs axe-core: pip install axe-playwright-python, or ZOO_AXE=path of axe.min.js"
        # It is a dependency of the tests: where CI has none, the install is at fault.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    viewport = DESKTOP if size == "desktop" else PHONE
    context = browser.new_context(viewport=viewport, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(pages[name].as_uri())
    page.add_script_tag(path=str(axe))
    found = page.evaluate("() => axe.run().then(done => done.violations.map(v => [v.id, v.nodes[0].html]))")
    context.close()
    assert found == []


def test_the_page_reads_without_its_script(browser: Any, pages: dict[str, Path]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["report"].as_uri())
    assert page.locator("#verdicts-table tbody tr:visible").count() == 8
    assert page.locator("form:visible").count() == 0
    context.close()
