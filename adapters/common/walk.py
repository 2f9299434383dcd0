"""From a graph's operators, told one after another, to steps: what belongs to a step is swallowed by it.

An adapter goes through its graph in an order in which every operator comes after those that feed it, says of each what
it does with which values, and asks for the steps at the end. Values are known by their names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from adapters.common.canonical import in_network_order
from adapters.common.drafts import NO_PADS, Draft, Pads, Stored, worded
from adapters.common.steps import SOURCE, Level, Norm, Step

Size = Tuple[int, int]
LARGEST = float(np.finfo(np.float32).max)
GATED = {"sigmoid": "swish", "hard_sigmoid": "hard_swish"}  # x * f(x)


@dataclass(frozen=True)
class Flow:
    """A value on its way from the step that made it.

    axes: which of N, C, H, W lies at each place; size: height and width, None where the file leaves them open;
    pads: zeros put around it since; written, read: integers as they were written, and as they were read again;
    raw: integers that nothing has read yet as real numbers, though they may lie in floats; before: see Step.
    """

    step: int = SOURCE
    axes: str = "NCHW"
    size: Optional[Size] = None
    pads: Pads = NO_PADS
    written: Optional[Level] = None
    read: Optional[Level] = None
    raw: bool = False
    before: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Window:
    """A window as the file describes it. pads: None for "as much as keeps the size" (`late`: the odd pixel after)."""

    kernel: Size
    stride: Size = (1, 1)
    pads: Optional[Pads] = NO_PADS
    late: bool = True

    def pads_of(self, size: Optional[Size]) -> Optional[Pads]:
        """Pads of an input of `size`, (top, left, bottom, right)."""
        if self.pads is not None or size is None:
            return self.pads
        pairs = []
        for side, kernel, stride in zip(size, self.kernel, self.stride):
            total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            less, more = total // 2, total - total // 2
            pairs.append((less, more) if self.late else (more, less))
        (top, bottom), (left, right) = pairs
        return top, left, bottom, right

    def size_of(self, size: Optional[Size], pads: Optional[Pads]) -> Optional[Size]:
        """Height and width of the output."""
        if size is None or pads is None:
            return None
        sums = (pads[0] + pads[2], pads[1] + pads[3])
        height, width = (
            (side + both - kernel) // stride + 1
            for side, both, kernel, stride in zip(size, sums, self.kernel, self.stride)
        )
        return height, width


class Walk:
    """Steps so far. users: value -> how many operators compute with it (those that ask for its shape do not count)."""

    def __init__(self, users: Mapping[str, int]) -> None:
        self.users = users
        self.flows: Dict[str, Flow] = {}
        self.drafts: List[Draft] = []

    def source(self, name: str, axes: str = "NCHW", size: Optional[Size] = None) -> None:
        """The network's input."""
        self.flows[name] = Flow(axes=axes, size=size)

    def known(self, names: Sequence[str]) -> List[str]:
        """Those of some values that come from the network's input."""
        return [name for name in names if name in self.flows]

    # operators that change nothing, or only how a value lies in memory

    def passed(self, source: str, target: str, **changes: Any) -> None:
        """`target` is `source` again. changes: fields of Flow."""
        self.flows[target] = replace(self.flows[source], **changes)

    def noted(self, source: str, target: str, words: str) -> None:
        """An operator that belongs to no step."""
        self.passed(source, target, before=(*self.flows[source].before, words))

    def turned(self, source: str, target: str, order: Sequence[int]) -> None:
        """Axes in another order. order: place of each axis before."""
        axes = self.flows[source].axes
        fits = len(order) == len(axes)
        self.passed(source, target, axes="".join(axes[at] for at in order) if fits else axes)

    def reshaped(self, source: str, target: str, rank: Optional[int]) -> None:
        """Other axes. rank: of the result, None where it is computed; with 3 of 4, height and width become one, P."""
        axes = self.flows[source].axes
        if rank == 3 and "HW" in axes:
            axes = axes.replace("HW", "P")
        elif rank == 4 and "P" in axes:
            axes = axes.replace("P", "HW")
        self.passed(source, target, axes=axes)

    def padded(self, source: str, target: str, pads: Pads) -> None:
        """Zeros around the image, (top, left, bottom, right)."""
        flow = self.flows[source]
        top, left, bottom, right = (have + more for have, more in zip(flow.pads, pads))
        self.passed(source, target, pads=(top, left, bottom, right))

    def quantised(self, source: str, target: str, level: Level, raw: bool = True) -> None:
        """Rounded to integers; they are the step's output from here on, if nothing else came between."""
        draft = self._open(source, shared=True)
        if draft is not None:
            draft.produced = level
            self._moved(draft, source, target)
        self.passed(source, target, written=level, read=None if raw else level, raw=raw)

    def dequantised(self, source: str, target: str, level: Level) -> None:
        """Integers read as real numbers."""
        self.passed(source, target, read=level, raw=False)

    # operators that become part of the step before

    def scaled(self, source: str, target: str, factor: np.ndarray, words: str = "mul") -> None:
        """Multiplied by a constant, float32, one number or one for each channel; divided if the words are "div"."""
        with np.errstate(divide="ignore"):
            product = 1 / factor if words == "div" else factor
        self._affine(source, target, product, worded(words, factor), "scale")

    def shifted(self, source: str, target: str, summand: np.ndarray, words: str = "add") -> None:
        """A constant added, float32, one number or one for each channel; subtracted if the words are "sub"."""
        total = -summand if words == "sub" else summand
        self._affine(source, target, total, worded(words, summand), "shift")

    def multiplied(self, sources: Sequence[str], target: str, words: str = "mul") -> None:
        """A product of two values: an activation if one is a gate of the other, such as x * sigmoid(x)."""
        less, more = sorted(sources, key=lambda name: len(self.flows[name].before))
        flow, gated = self.flows[less], self.flows[more]
        draft = self._open(less, shared=True)
        gates = gated.before[len(flow.before) :]
        if draft is None or flow.step != gated.step or len(gates) != 1 or self.users.get(less, 2) > 2:
            deepest = max(sources, key=lambda name: (self.flows[name].step, len(self.flows[name].before)))
            self.noted(deepest, target, words)
            return
        draft.other = (*draft.other, GATED.get(gates[0], f"gated {gates[0]}"))
        self._moved(draft, less, target)
        self.passed(less, target)

    def _affine(self, source: str, target: str, constant: np.ndarray, words: str, how: str) -> None:
        draft = self._open(source)
        flat = np.asarray(constant, np.float32).reshape(-1)
        if draft is None or not draft.linear or flat.size not in (1, draft.channels):
            self.noted(source, target, words)
            return
        getattr(draft, how)(flat)
        self._moved(draft, source, target)
        self.passed(source, target)

    def normalised(self, source: str, target: str, norm: Norm) -> None:
        """A batch norm."""
        draft = self._open(source)
        if draft is None or not draft.linear or draft.norm is not None or draft.kind != "conv":
            self.noted(source, target, f"batch_norm({norm.gamma.size} channels)")
            return
        draft.norm = norm
        self._moved(draft, source, target)
        self.passed(source, target)

    def clipped(self, source: str, target: str, low: Optional[float], high: Optional[float], words: str) -> None:
        """Kept between two bounds; what no float32 exceeds is none."""
        low = None if low is None or low <= -LARGEST else low
        high = None if high is None or high >= LARGEST else high
        draft = self._open(source)
        if draft is None:
            bounds = [bound for bound in (low, high) if bound is not None]
            self.noted(source, target, worded(words, np.array(bounds)))
            return
        draft.clip(low, high)
        self._moved(draft, source, target)
        self.passed(source, target)

    def activated(self, source: str, target: str, name: str) -> None:
        """An activation that is no clipping, such as "hard_swish"."""
        draft = self._open(source)
        if draft is None:
            self.noted(source, target, name)
            return
        draft.other = (*draft.other, name)
        self._moved(draft, source, target)
        self.passed(source, target)

    def _open(self, source: str, shared: bool = False) -> Optional[Draft]:
        """The step whose output a value is, while it can still take in more.

        None if something else came between, or if another operator uses the value as it is (unless `shared`).
        """
        flow = self.flows[source]
        alone = shared or self.users.get(source, 1) <= 1
        free = not flow.before and flow.pads == NO_PADS
        return self.drafts[flow.step] if flow.step != SOURCE and alone and free else None

    def _moved(self, draft: Draft, source: str, target: str) -> None:
        """The step's output is `target`."""
        draft.output = target
        draft.layout = self.flows[source].axes

    # operators that are steps

    def layer(
        self, name: str, source: str, target: str, weight: Optional[Stored], window: Window, groups: int
    ) -> Draft:
        """A convolution, OIHW; of 1x1 behind the mean it is the classifier."""
        flow = self.flows[source]
        if flow.step != SOURCE and self.drafts[flow.step].kind == "mean" and window.kernel == (1, 1) and groups == 1:
            return self.product(name, source, target, flattened(weight))
        draft = self._added(Draft(name, "conv", (), target, weight, groups=groups), [source], target)
        self._windowed(draft, flow, target, window)
        return draft

    def product(self, name: str, source: str, target: str, weight: Optional[Stored]) -> Draft:
        """A product with a matrix (classes, in)."""
        draft = self._added(Draft(name, "classifier", (), target, weight), [source], target)
        self.passed(target, target, axes="NC", size=None)
        draft.layout = "NC"
        return draft

    def summed(self, name: str, sources: Sequence[str], target: str) -> Draft:
        """Values of several steps added."""
        return self._added(Draft(name, "add", (), target), sources, target)

    def largest(self, name: str, source: str, target: str, window: Optional[Window]) -> Draft:
        """A max pooling; window: None for one as large as the image."""
        flow = self.flows[source]
        draft = self._added(Draft(name, "max_pool", (), target), [source], target)
        if window is None:
            self.passed(target, target, size=(1, 1))
        else:
            self._windowed(draft, flow, target, window)
        return draft

    def mean_over(self, name: str, source: str, target: str, places: Sequence[int]) -> None:
        """A mean over some axes, by their places: of height and width, also one after the other, it is a step."""
        flow = self.flows[source]
        axes = flow.axes
        over = "".join(sorted(axes[at] for at in places if -len(axes) <= at < len(axes)))
        earlier = flow.before[-1] if flow.before else ""
        if over in ("H", "W") and earlier in ("mean over H", "mean over W") and not earlier.endswith(over):
            self.passed(source, source, before=flow.before[:-1])
            over = "HW"
        if over in ("HW", "P"):
            self.averaged(name, source, target)
        else:
            self.noted(source, target, f"mean over {over}")

    def averaged(self, name: str, source: str, target: str, kernel: Optional[Size] = None) -> Draft:
        """A mean over height and width. kernel: where the file says over how many pixels."""
        draft = self._added(Draft(name, "mean", (), target, kernel=kernel), [source], target)
        self.passed(target, target, size=(1, 1))
        return draft

    def _added(self, draft: Draft, sources: Sequence[str], target: str) -> Draft:
        """A new step; integers go through those that only choose or copy them."""
        flows = [self.flows[name] for name in sources]
        draft.inputs = tuple(flow.step for flow in flows)
        draft.before = tuple(words for flow in flows for words in flow.before)
        draft.layout = flows[0].axes
        reads = [flow.read for flow in flows]
        draft.consumed = tuple(level for level in reads if level is not None)
        draft.written = tuple(flow.written for flow in flows) if any(flow.written for flow in flows) else ()
        self.drafts.append(draft)
        self.flows[target] = Flow(len(self.drafts) - 1, flows[0].axes, flows[0].size)
        if flows[0].raw and draft.kind == "max_pool":
            draft.produced = flows[0].written
            self.passed(target, target, written=flows[0].written, raw=True)
        return draft

    def _windowed(self, draft: Draft, flow: Flow, target: str, window: Window) -> None:
        """Stride, pads and kernel of a new step, and the size of what it gives."""
        own = window.pads_of(flow.size)
        draft.kernel, draft.stride = window.kernel, window.stride
        if own is not None:
            top, left, bottom, right = (inner + outer for inner, outer in zip(own, flow.pads))
            draft.pads = (top, left, bottom, right)
        self.passed(target, target, size=window.size_of(flow.size, draft.pads))

    def steps(self, output: str) -> List[Step]:
        """All that lead to the network's output, in network order."""
        flow = self.flows.get(output)
        if flow is None or flow.step == SOURCE:
            flow = Flow(len(self.drafts) - 1)
        if not self.drafts:
            return []
        self.drafts[flow.step].behind = flow.before
        return in_network_order([draft.step() for draft in self.drafts], flow.step)


def flattened(weight: Optional[Stored]) -> Optional[Stored]:
    """A matrix (classes, in) of a 1x1 kernel OIHW."""
    return None if weight is None else replace(weight, values=weight.values.reshape(len(weight.values), -1))
