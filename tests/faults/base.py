"""What a planted fault is, and how its form is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.setups import Setup

# format -> (framework that writes and reads it, layout of its input)
FORMATS = {
    "onnx": ("onnxruntime", "nchw"),
    "torch_state_dict": ("torch", "nchw"),
    "mindspore_ckpt": ("mindspore", "nchw"),
    "saved_model": ("tensorflow", "nhwc"),
    "frozen_graph": ("tensorflow", "nhwc"),
    "tflite": ("tensorflow", "nhwc"),
    "slim_ckpt": ("tensorflow", "nhwc"),
    "openvino_ir": ("openvino", "nchw"),
    "mxnet_symbol": ("mxnet", "nchw"),
    "gluon_params": ("mxnet", "nchw"),
}
REAL = ("symmetric", "same", "published")  # good setups that need the assets
BASES = ("embedded", "QDQ", "QOperator", *REAL)  # see tests.faults.setups.good

Plant = Callable[[Setup], Setup]


@dataclass(frozen=True)
class Form:
    """How a fault is met.

    fmt: of the file. beside: whether the zoo also has the good checkpoint, from which the bad one is said to be
    converted; it is always an ONNX file. together: whether that is run as well. reference: whether a run folder of the
    good one is there, which `--reference` names. reader: the framework that runs the bad one, where it is not the one
    that writes it.
    """

    fmt: str = "onnx"
    beside: bool = False
    together: bool = False
    reader: str = ""
    reference: bool = False

    def __str__(self) -> str:
        words = [self.fmt, *([f"in {self.reader}"] if self.reader else [])]
        words += ["with the original run"] if self.together else ["with the original"] if self.beside else []
        return " ".join([*words, *(["and a right run"] if self.reference else [])])


ALONE, BESIDE, TOGETHER = Form(), Form(beside=True), Form(beside=True, together=True)
REFERRED = Form(reference=True)
EITHER = (ALONE, BESIDE)


@dataclass(frozen=True)
class Fault:
    """One way to spoil a run, or, with nothing expected, one that does no harm.

    kind: the class of faults that it belongs to. plant: makes the bad setup of the good one. expected: causes that name
    it; a cause that is true but says less is not among them. forms: the first is the one that users meet most.
    what: in words. moves: whether it changes so many answers that a count of right ones shows it. base: see BASES.
    """

    name: str
    kind: str
    plant: Plant
    expected: frozenset[str]
    what: str
    forms: tuple[Form, ...] = (ALONE,)
    moves: bool = True
    base: str = "embedded"

    @property
    def healthy(self) -> bool:
        """Whether nothing may be named."""
        return not self.expected
