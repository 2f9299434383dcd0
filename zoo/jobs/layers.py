"""Values behind every layer of a run's network, and of its kin, on a few of its images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zoo.diagnose.layers.computation import Computation
from zoo.diagnose.layers.look import look as compare
from zoo.diagnose.network import SOURCE, FileNetwork, Level, parsed
from zoo.errors import ZooError
from zoo.images import pixels
from zoo.images.pixels import Block
from zoo.jobs import repeats
from zoo.jobs.case import Kin, Opened
from zoo.jobs.command_lines import again
from zoo.measure import selection
from zoo.measure.accuracy import Evaluation
from zoo.measure.preparation import Planned
from zoo.records import Numeric
from zoo.records.diagnoses import Excluded, Findings

IMAGES = 4  # the first ones; each has tens of thousands of values behind every layer
KIN = 3  # at most that many are asked
WHAT = "layer by layer"


def look(opened: Opened) -> Findings:
    """Where the run's network parts from those that should compute the same; nothing if one of them agrees."""
    kin = [each for each in opened.kin if each.kinship != "same network"]
    if not kin:
        return Findings(not_looked=(f"{WHAT}: no other file of the same weights; name one with --reference",))
    if opened.source is None:
        return Findings(not_looked=(f"{WHAT}: {opened.absent or 'the images are not here'}",))
    try:
        images = _Images(opened)
        own = images.computation(opened.planned)
    except ZooError as error:
        return Findings(not_looked=(f"{WHAT}: {opened.planned.title}: {error}",))
    return _against(images, own, kin)


def _against(images: _Images, own: Computation, kin: list[Kin]) -> Findings:
    """Held against one after another, until one agrees: then it is another one that is at fault."""
    found, missing, asked = Findings(), list[str](), 0
    for each in kin:
        if asked == KIN:
            break
        try:
            other = images.computation(each.planned)
        except ZooError as error:
            missing.append(f"{WHAT}: {each.planned.title}: {error}")
            continue
        asked += 1
        command = (*again(images.opened, "diagnose"), "--reference", each.planned.checkpoint.id)
        new = compare(images.opened.case, own, other, each.kinship, command)
        if not new.candidates:
            by = f"{other.title} computes the same, layer by layer"
            cleared = tuple(Excluded(cause=one.cause, title=one.title, by=by) for one in found.candidates)
            return Findings(excluded=(*new.excluded, *cleared), not_looked=tuple(missing) if not asked else ())
        found = found if found.candidates else new
    return found + Findings(not_looked=() if asked else tuple(missing))


@dataclass(frozen=True)
class _Images:
    """The first images of a run, in its geometry, for one network after another."""

    opened: Opened

    @cached_property
    def _block(self) -> Block:
        assert self.opened.source is not None
        geometry = self.opened.planned.recipe.geometry
        first = self.opened.source.first(1)
        first.decoded(geometry)
        return first.blocks[0]

    def computation(self, planned: Planned) -> Computation:
        """A network's values with its own numeric steps, in the run's geometry. Raises ZooError."""
        geometry = self.opened.planned.recipe.geometry
        recipe = selection.in_geometry(planned.recipe, geometry)
        task = self.opened.preparation.task(replace(planned, recipe=recipe))
        settings = replace(repeats.as_made(self.opened), batch_size=IMAGES)
        with Evaluation(task, settings) as evaluation:
            facts = evaluation.check()
            network = parsed(*evaluation.steps())
            size = facts["input_shape"][0]
            rows = IMAGES if size < 1 else -(-IMAGES // size) * size
            values = evaluation.values(self._block, rows)
        stored = np.load(pixels.ready(geometry, self._block), mmap_mode="r")[:rows]
        given = applied(recipe.numeric, stored)
        real = as_read(given, network, facts["input_dtype"])
        return Computation(planned.title, network, values, real)


def applied(numeric: Numeric, stored: NDArray[np.generic]) -> NDArray[np.float32]:
    """The network's input, float32 (N, 3, height, width), for stored pixels (N, height, width, 3).

    The order of axes is that of values behind layers, whatever the network's own is. adapters/common/numeric.py says
    what each step does.
    """
    values = np.ascontiguousarray(stored.transpose(0, 3, 1, 2)).astype(np.float32)
    for step in numeric.steps:
        if step.op == "channels":
            values = values[:, ::-1]
        elif step.op == "divide":
            values = values / np.float32(step.by)
        elif step.op == "subtract":
            values = values - np.float32(step.value)
        elif step.op == "normalise":
            mean, std = (np.array(each, np.float32)[:, None, None] for each in (step.mean, step.std))
            values = (values - mean) / std
    return np.ascontiguousarray(values)


def as_read(given: NDArray[np.float32], network: FileNetwork, dtype: str) -> NDArray[np.float32]:
    """The input as real numbers, as the first layer reads them: a network of bytes takes levels, not pixels."""
    level = next((_level(layer.consumed) for layer in network.layers if SOURCE in layer.inputs), None)
    if level is None or dtype == "float32":
        return given
    zero = level.zero + (128 if dtype == "int8" and level.dtype == "int8" else 0)
    return np.asarray((given - np.float32(zero)) * np.float32(level.scale), np.float32)


def _level(consumed: tuple[Level, ...]) -> Level | None:
    return consumed[0] if consumed else None
