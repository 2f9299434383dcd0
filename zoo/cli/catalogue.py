"""`zoo list`: checkpoints, claims, sample answers, recipes, frameworks and image sets as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rich import box
from rich.table import Table

from zoo.documents.formatting import with_unit
from zoo.documents.load import Zoo
from zoo.frameworks import environments
from zoo.frameworks.table import Framework, public_frameworks
from zoo.records import HASHES, Checkpoint, Population, SampleAnswer


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    """Without a frame; the first column is not folded."""
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, head in enumerate(heads):
        result.add_column(head, overflow="fold", no_wrap=number == 0)  # ids are copied: they stay in one piece
    for row in rows:
        result.add_row(*row)
    return result


def checkpoints(zoo: Zoo) -> Table:
    """Id, framework, format, recipe, and whether its bytes can be told right from wrong."""
    known = zoo.checkpoints.values()
    rows = ((each.id, each.framework, each.format, each.recipe, _bytes_known(each)) for each in known)
    return table(("checkpoint", "framework", "format", "recipe", "files"), rows)


def _bytes_known(checkpoint: Checkpoint) -> str:
    if checkpoint.unavailable:
        return f"unavailable: {checkpoint.unavailable}"
    if checkpoint.export_from:
        return "written here"
    known = [file.published() or (file.archive.published() if file.archive else {}) for file in checkpoint.files]
    if not all(known):
        return "no hash published"
    return f"{max((next(iter(hashes)) for hashes in known), key=HASHES.index)} published"  # of the file known worst


def claims(zoo: Zoo) -> Table:
    """Every documented number."""
    heads = ("claim", "checkpoint", "metric", "documented", "source")
    rows = (
        (claim.id, claim.checkpoint or "none", claim.metric, with_unit(claim), claim.source)
        for claim in zoo.claims.values()
    )
    return table(heads, rows)


def sample_answers(zoo: Zoo) -> Table:
    """Every published sample answer: to what, and what is printed."""
    rows = (
        (each.id, each.checkpoint, _given(each), each.recipe or ("tensor" if each.is_tensor else ""), _printed(each))
        for each in zoo.sample_answers.values()
    )
    return table(("sample answer", "checkpoint", "input", "recipe", "printed"), rows)


def _given(sample: SampleAnswer) -> str:
    return sample.input.name if sample.input else f"unavailable: {sample.unavailable}"


def _printed(sample: SampleAnswer) -> str:
    scores = f"{len(sample.scores)} {sample.of}" if sample.scores else ""
    best = f"highest: {', '.join(map(str, sample.best))}" if sample.best else ""
    return "; ".join(filter(None, (scores, best, sample.output.name if sample.output else "")))


def recipes(zoo: Zoo) -> Table:
    """Recipes with their geometry and numeric parts."""
    rows = ((each.id, each.geometry.id, each.numeric.id, each.note) for each in zoo.recipes.values())
    return table(("recipe", "geometry", "numeric", "note"), rows)


def frameworks(zoo: Zoo) -> Table:
    """The adapters, and whether their environments are built."""
    rows = (
        (each.name, each.title, ", ".join(each.formats), ", ".join(each.pythons), _built(each))
        for each in public_frameworks()
    )
    return table(("framework", "title", "formats", "Python", "version"), rows)


def _built(framework: Framework) -> str:
    built = environments.find(framework)
    if built is None:
        return f"not built: zoo setup {framework.name}"
    return built.versions.get(framework.name, "built") if built.python.exists() else f"broken: {built.remedy}"


def image_sets(zoo: Zoo) -> Table:
    """The populations documented accuracies speak of."""
    rows = ((each.id, f"{each.images:,}", each.title, _recognised_by(each)) for each in zoo.populations.values())
    return table(("population", "images", "title", "recognised by"), rows)


def _recognised_by(population: Population) -> str:
    if population.digest is not None:
        return "all bytes, labels"
    known = len(population.known_images)
    parts = (
        "labels",
        f"bytes of {known} images" if known else "",
        "archive" if population.archive else "",
        f"files of {population.files_of}" if population.files_of else "",
    )
    return ", ".join(part for part in parts if part)


TABLES: dict[str, Callable[[Zoo], Table]] = {
    "checkpoints": checkpoints,
    "claims": claims,
    "sample-answers": sample_answers,
    "recipes": recipes,
    "frameworks": frameworks,
    "image-sets": image_sets,
}
