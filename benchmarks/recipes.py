"""Each step of the recipes' geometries beside the operator it stands for, run in that library's own environment.

    python benchmarks/recipes.py IMAGES             the table
    python benchmarks/recipes.py IMAGES --write     docs/recipes-and-frameworks.md too

IMAGES is a folder of image files of any size: 45 files in colour and 5 in grey are taken, in the order of their names.
Operators of libraries whose environment is not built (`zoo setup`) are left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import TypeAdapter

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from zoo import records  # noqa: E402
from zoo.documents.load import load_zoo  # noqa: E402
from zoo.errors import ImageSetError  # noqa: E402
from zoo.frameworks import environments  # noqa: E402
from zoo.frameworks.table import framework  # noqa: E402
from zoo.images import preprocess  # noqa: E402

OPERATORS = Path(__file__).with_name("operators")
PAGE = REPOSITORY / "docs" / "recipes-and-frameworks.md"
CMYK = REPOSITORY / "tests" / "data" / "images" / "cmyk.jpg"
COLOUR, GREY = 45, 5
CORE = ("pillow", "opencv")  # libraries that the suite itself uses, run in its own environment
TITLES = {"pillow": "Pillow", "opencv": "OpenCV"}
STEP: TypeAdapter[records.GeometryStep] = TypeAdapter(records.GeometryStep)

Steps = tuple[records.GeometryStep, ...]


@dataclass(frozen=True)
class Row:
    """One operator and the steps that stand for it.

    library: whose; operator: as the table prints it; call, arguments: in operators/<library>_operators.py;
    before: steps of the suite that make both sides' input, none for the file itself; steps: what is compared;
    geometry: whose steps they are, if it is a whole one; largest, mean: bounds of the difference in grey levels, where
    it is not 0; other_size: whether the operator may give other sizes than the steps; files: in place of the images;
    meaning: of a difference.
    """

    library: str
    operator: str
    call: str
    arguments: dict[str, Any]
    before: Steps
    steps: Steps
    geometry: str = ""
    largest: float = 0.0
    mean: float = 0.0
    other_size: bool = False
    files: tuple[Path, ...] = ()
    meaning: str = ""


@dataclass
class Difference:
    """Of one row over all images, in grey levels; other_size: images whose size differs, which are not compared."""

    row: Row
    images: int = 0
    identical: int = 0
    other_size: int = 0
    largest: float = 0.0
    means: list[float] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """Over all pixels compared, each image counting alike."""
        return float(np.mean(self.means)) if self.means else 0.0

    def add(self, ours: preprocess.Array, theirs: preprocess.Array, scale: float) -> None:
        """One image; `scale` makes pixels grey levels."""
        self.images += 1
        if ours.shape != theirs.shape:
            self.other_size += 1
            return
        if ours.dtype != theirs.dtype:
            raise SystemExit(f"{self.row.operator}: expected {ours.dtype}, got {theirs.dtype}")
        self.identical += bool((ours == theirs).all())
        distance = np.abs(ours.astype(np.float64) - theirs) * scale
        self.largest = max(self.largest, float(distance.max()))
        self.means.append(float(distance.mean()))


def step(op: str, **fields: Any) -> records.GeometryStep:
    """A geometry step, as recipes.toml writes it."""
    return STEP.validate_python({"op": op, **fields})


PIL = step("decode", library="pil", exif="ignore")
CV = step("decode", library="opencv", exif="apply")
CV_UNTURNED = step("decode", library="opencv", exif="ignore")
UNIT = step("to_float", divide=255)
CENTRAL = step("central_fraction", fraction=0.875, rounding="tensorflow")
BILINEAR = {"library": "pil", "interpolation": "bilinear", "antialias": True}
BICUBIC = {"library": "pil", "interpolation": "bicubic", "antialias": True}
CV_BILINEAR = {"library": "opencv", "interpolation": "bilinear", "antialias": False}
CV_BICUBIC = {"library": "opencv", "interpolation": "bicubic", "antialias": False}
CV_AREA = {"library": "opencv", "interpolation": "area", "antialias": True}
TF1 = {"library": "tensorflow1", "interpolation": "bilinear", "antialias": False}


def short(how: dict[str, Any], long_side: str = "truncate", size: int = 256) -> records.GeometryStep:
    """resize_short."""
    return step("resize_short", size=size, long_side=long_side, **how)


def exact(how: dict[str, Any], size: int = 256) -> records.GeometryStep:
    """resize_exact."""
    return step("resize_exact", size=size, **how)


def crop(offset: str, size: int = 224) -> records.GeometryStep:
    """centre_crop."""
    return step("centre_crop", size=size, offset=offset)


def single(
    library: str, operator: str, call: str, arguments: dict[str, Any], *steps: records.GeometryStep, **more: Any
) -> Row:
    """A row whose last step is compared; those before it make both sides' input."""
    return Row(library, operator, call, arguments, steps[:-1], steps[-1:], **more)


SINGLE = (
    single("pillow", "convert(\"RGB\")", "decode", {}, PIL),
    single(
        "pillow", "torchvision Resize(256)", "torchvision_resize", {"size": 256, "interpolation": "bilinear"},
        PIL, short(BILINEAR),
    ),
    single(
        "pillow", "torchvision Resize(256, BICUBIC)", "torchvision_resize", {"size": 256, "interpolation": "bicubic"},
        PIL, short(BICUBIC),
    ),
    single("pillow", "torchvision Resize((256, 256))", "squash", {"size": 256}, PIL, exact(BILINEAR)),
    single(
        "pillow", "torchvision Resize((256, 256), BICUBIC)", "squash", {"size": 256, "interpolation": "bicubic"},
        PIL, exact(BICUBIC),
    ),
    single("pillow", "ONNX model zoo image_resize", "onnx_zoo_resize", {"size": 256}, PIL,
           short(BILINEAR, "round_half_even")),
    single(
        "pillow", "torchvision CenterCrop(224)", "torchvision_centre_crop", {"size": 224},
        PIL, short(BILINEAR), crop("round_half_even"),
    ),
    single("pillow", "ONNX model zoo crop_center", "onnx_zoo_crop", {"size": 224}, PIL, short(BILINEAR),
           crop("half_minus_half")),
    single("opencv", "imdecode(IMREAD_COLOR)", "decode", {}, CV),
    single("opencv", "resize(INTER_LINEAR)", "resize", {"size": 256, "interpolation": "bilinear"}, CV,
           exact(CV_BILINEAR)),
    single("opencv", "resize(INTER_CUBIC)", "resize", {"size": 256, "interpolation": "bicubic"}, CV,
           exact(CV_BICUBIC)),
    single("opencv", "resize(INTER_AREA)", "resize", {"size": 256, "interpolation": "area"}, PIL, UNIT,
           exact(CV_AREA)),
    single("opencv", "resize(INTER_LINEAR), short side", "resize_short", {"size": 256}, CV, short(CV_BILINEAR)),
    single("mxnet", "image.imdecode", "decode", {}, CV_UNTURNED),
    single("mxnet", "image.imresize(interp=1)", "imresize", {"size": 256, "interpolation": 1}, CV_UNTURNED,
           exact(CV_BILINEAR)),
    single("mxnet", "transforms.Resize(256)", "resize", {"size": 256, "keep_ratio": False}, CV_UNTURNED,
           exact(CV_BILINEAR)),
    single("mxnet", "transforms.Resize(256, keep_ratio=True)", "resize", {"size": 256, "keep_ratio": True},
           CV_UNTURNED, short(CV_BILINEAR)),
    single("mxnet", "transforms.CenterCrop(224)", "centre_crop", {"size": 224}, CV_UNTURNED, short(CV_BILINEAR),
           crop("floor")),
    single("mindspore", "vision.Decode", "decode", {}, CV_UNTURNED),
    single("mindspore", "vision.Resize([256, 256])", "resize", {"size": [256, 256]}, CV_UNTURNED,
           exact(CV_BILINEAR)),
    single("mindspore", "vision.Resize(256)", "resize", {"size": 256}, CV_UNTURNED, short(CV_BILINEAR)),
    single("mindspore", "vision.Resize to lround", "resize_lround", {"size": 256}, CV_UNTURNED,
           short(CV_BILINEAR, "round_half_up")),
    single("mindspore", "vision.CenterCrop(224)", "centre_crop", {"size": 224}, CV_UNTURNED, short(CV_BILINEAR),
           crop("floor")),
    single("tensorflow", "io.decode_jpeg(INTEGER_ACCURATE)", "decode_jpeg", {"dct_method": "INTEGER_ACCURATE"}, PIL),
    single("tensorflow", "image.central_crop(0.875)", "central_crop", {"fraction": 0.875}, PIL, CENTRAL),
    single("tensorflow", "resize_bilinear of float32", "resize_bilinear", {"size": 224}, PIL, UNIT, CENTRAL,
           exact(TF1, 224)),
    single("tensorflow", "resize_bilinear of uint8", "resize_bilinear", {"size": 224}, PIL, CENTRAL,
           exact(TF1, 224)),
)  # fmt: skip

# Operators that differ from the step beside which they stand
OTHER = (
    single(
        "tensorflow", "io.decode_jpeg", "decode_jpeg", {"dct_method": ""}, PIL, largest=30, mean=1.5,
        meaning="TensorFlow's choice is a faster, less exact inverse DCT (`INTEGER_FAST`), which none of the suite's "
        "decoders offers: a slim recipe sees these pixels only if it is run by TensorFlow itself.",
    ),
    Row(
        "tensorflow", "decode_jpeg, convert_image_dtype, central_crop, resize_bilinear", "slim",
        {"fraction": 0.875, "size": 224, "dct_method": ""}, (), (PIL, UNIT, CENTRAL, exact(TF1, 224)),
        largest=30, mean=1.5, meaning="The whole slim path with that decoder: the resize does not average it away.",
    ),
    single(
        "tensorflow", "image.convert_image_dtype", "convert_image_dtype", {}, PIL, UNIT, largest=2e-5, mean=1e-5,
        meaning="It multiplies by 1/255 where the step divides by 255: the last bit of a float32.",
    ),
    single(
        "tensorflow", "image.resize", "resize_bilinear_tf2", {"size": 224}, PIL, UNIT, CENTRAL, exact(TF1, 224),
        largest=255, mean=8,
        meaning="TensorFlow 2's own resize has half-pixel centres, which move the picture by a fraction of a pixel: no "
        "substitute for the operator that the slim networks were measured with.",
    ),
    single(
        "mindspore", "vision.Resize(256)", "resize", {"size": 256}, CV_UNTURNED,
        short(CV_BILINEAR, "round_half_up"), other_size=True,
        meaning="MindSpore 2.10 cuts the long side off where it rounded it when the documented numbers were measured; "
        "the recipes follow the older rule, which 2.10 has no option for. Equal sizes give equal pixels.",
    ),
    Row(
        "mindspore", "Decode, Resize(256), CenterCrop(224)", "mindvision", {"resize": 256, "crop": 224}, (),
        (CV_UNTURNED, short(CV_BILINEAR, "round_half_up"), crop("floor")), largest=255, mean=5,
        meaning="The whole path by the newer rule: where the long side is a pixel shorter, the crop holds a slightly "
        "narrower picture.",
    ),
    single(
        "mindspore", "vision.Decode of a CMYK file", "decode", {}, CV_UNTURNED, files=(CMYK,), largest=3, mean=2,
        meaning="The OpenCV inside it converts CMYK to RGB otherwise; MXNet's does not.",
    ),
    single(
        "tensorflow", "io.decode_jpeg(INTEGER_ACCURATE) of a CMYK file", "decode_jpeg",
        {"dct_method": "INTEGER_ACCURATE"}, PIL, files=(CMYK,), largest=2, mean=1,
        meaning="The same between TensorFlow and Pillow.",
    ),
    single(
        "mxnet", "image.imresize(interp=2)", "imresize", {"size": 256, "interpolation": 2}, CV_UNTURNED,
        exact(CV_BICUBIC), largest=2, mean=0.05,
        meaning="Bicubic in MXNet's OpenCV is a level away from the suite's; no recipe uses it.",
    ),
    single(
        "torch", "F.interpolate(antialias=True)", "interpolate", {"size": 256, "antialias": True}, PIL,
        short(BILINEAR), largest=1, mean=0.005,
        meaning="What torchvision does to tensors instead of PIL images: one level, in two values of a thousand.",
    ),
    single(
        "torch", "F.interpolate(antialias=False)", "interpolate", {"size": 256, "antialias": False}, PIL,
        short(CV_BILINEAR), largest=1, mean=0.3,
        meaning="Without antialiasing it is OpenCV's resize but for rounding, and as far from Pillow's as that is.",
    ),
    single(
        "opencv", "resize(INTER_LINEAR), short side", "resize_short", {"size": 256}, PIL, short(BILINEAR),
        largest=255, mean=8,
        meaning="Pillow widens its filter when it shrinks, OpenCV does not: why a recipe names its library.",
    ),
)  # fmt: skip

# geometry -> (library, call, arguments): the whole path as its source composes it
WHOLE: dict[str, tuple[str, str, dict[str, Any]]] = {
    **{
        f"torch_{resize}_{side}": ("pillow", "torchvision", {"resize": resize, "crop": side})
        for resize, side in ((256, 224), (232, 224), (219, 192), (182, 160), (146, 128), (109, 96), (224, 224))
    },
    "pil_bicubic_256_224": ("pillow", "torchvision", {"resize": 256, "crop": 224, "interpolation": "bicubic"}),
    "onnx_zoo_256_224": ("pillow", "onnx_zoo", {"resize": 256, "crop": 224}),
    **{
        f"hf_{side + 32}_{side}": ("pillow", "transformers", {"resize": side + 32, "crop": side})
        for side in (224, 192, 160, 128, 96)
    },
    "centre_224": ("pillow", "centre", {"crop": 224}),
    "mxnet_squash256_224": ("mxnet", "gluon", {"size": 256, "crop": 224, "keep_ratio": False}),
    "mxnet_squash224": ("mxnet", "gluon", {"size": 224, "crop": 224, "keep_ratio": False}),
    "mxnet_256_224": ("mxnet", "gluon", {"size": 256, "crop": 224, "keep_ratio": True}),
    "opencv_squash256_224": ("opencv", "squash", {"resize": 256, "crop": 224}),
    "opencv_256_224": ("opencv", "short", {"resize": 256, "crop": 224}),
    "area_float_squash256_224": ("opencv", "neural_compressor", {"resize": 256, "crop": 224}),
    "opencv_central_224": ("opencv", "central", {"fraction": 0.875, "size": 224}),
    "opencv_decode_torch_256_224": ("opencv", "lornatang", {"resize": 256, "crop": 224}),
    "opencv_decode_pil_squash224": ("opencv", "lornatang_squash", {"size": 224}),
    **{
        f"mindspore_{side + 32}_{side}": ("mindspore", "mindvision_lround", {"resize": side + 32, "crop": side})
        for side in (224, 192, 160, 128, 96)
    },
    **{
        f"slim_central_{side}": ("tensorflow", "slim",
                                 {"fraction": 0.875, "size": side, "dct_method": "INTEGER_ACCURATE"})
        for side in (224, 192, 160, 128, 96)
    },
    "tflite_eval_224": ("tensorflow", "tflite_evaluation", {"fraction": 0.875, "size": 224, "whole": True}),
    "tflite_eval_224_float": ("tensorflow", "tflite_evaluation", {"fraction": 0.875, "size": 224, "whole": False}),
}  # fmt: skip


def rows() -> list[Row]:
    """Steps, whole geometries, and what differs."""
    return [*SINGLE, *whole(), *OTHER]


def whole() -> Iterator[Row]:
    """A row for each geometry of the published zoo."""
    geometries = load_zoo("published").geometries
    for name, (library, call, arguments) in WHOLE.items():
        steps = geometries[name].steps
        # convert_image_dtype's last bit, see OTHER
        largest, mean = (1e-4, 1e-5) if call == "slim" else (0.0, 0.0)
        yield Row(library, call, call, arguments, (), steps, name, largest, mean)


def chosen(folder: Path) -> list[Path]:
    """COLOUR files in colour and GREY in grey, in the order of their names."""
    colour: list[Path] = []
    grey: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in (".jpeg", ".jpg"):
            continue
        with Image.open(path) as image:
            (grey if image.mode == "L" else colour).append(path)
        if len(colour) >= COLOUR and len(grey) >= GREY:
            break
    return colour[:COLOUR] + grey[:GREY]


def interpreter(library: str) -> Path | None:
    """The library's Python; None where its environment is not built."""
    if library in CORE:
        return Path(sys.executable)
    found = environments.find(framework(library))
    return found.python if found else None


def measure(library: str, python: Path, wanted: Sequence[Row], images: Sequence[Path]) -> list[Difference]:
    """Rows of one library, whose Python is given."""
    with tempfile.TemporaryDirectory(prefix="zoo-operators-") as name:
        folder = Path(name)
        calls = [_call(row, number, images, folder) for number, row in enumerate(wanted)]
        (folder / "request.json").write_text(json.dumps({"calls": calls}), encoding="utf-8")
        script = OPERATORS / f"{library}_operators.py"
        done = subprocess.run(
            [str(python), "-W", "ignore", "-s", str(script), str(folder)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{script}: exit code {done.returncode}\n{done.stderr}")
        return [_compared(row, call) for row, call in zip(wanted, calls, strict=True)]


def _call(row: Row, number: int, images: Sequence[Path], folder: Path) -> dict[str, Any]:
    """What the far side is asked; inputs that rows share are written once."""
    images = row.files or images
    outputs = [folder / f"out-{number}-{index}.npy" for index in range(len(images))]
    inputs = images
    if row.before:
        shared = abs(hash(row.before))
        inputs = [folder / f"in-{shared}-{index}.npy" for index in range(len(images))]
        for path, image in zip(inputs, images, strict=True):
            if not path.exists():
                np.save(path, _pixels(row.before, image.read_bytes()))
    return {
        "operator": row.call,
        "arguments": row.arguments,
        "images": [str(path) for path in images],
        "inputs": [str(path) for path in inputs],
        "outputs": [str(path) for path in outputs],
    }


def _compared(row: Row, call: dict[str, Any]) -> Difference:
    scale = float(np.prod([each.divide for each in row.before + row.steps if isinstance(each, records.ToFloat)]))
    found = Difference(row)
    for image, output in zip(call["images"], call["outputs"], strict=True):
        try:
            ours = _pixels(row.before + row.steps, Path(image).read_bytes())
        except ImageSetError:  # smaller than the crop
            continue
        found.add(ours, np.load(output, allow_pickle=False), scale)
        Path(output).unlink()
    return found


def _pixels(steps: Steps, data: bytes) -> NDArray[Any]:
    first, *others = steps
    assert isinstance(first, records.Decode)
    picture = preprocess.decode(first, data)
    for each in others:
        picture = preprocess.apply_step(each, picture)
    return np.asarray(picture)


# --- the table -----------------------------------------------------------------------------------


def page(found: Sequence[Difference], images: int, versions: dict[str, str]) -> str:
    """docs/recipes-and-frameworks.md."""
    steps = [each for each in found if not each.row.geometry and not each.row.meaning]
    geometries = [each for each in found if each.row.geometry]
    others = [each for each in found if each.row.meaning]
    listed = "with " + ", ".join(f"{name} {version}" for name, version in versions.items()) + "."
    return "\n".join(
        [
            HEAD.format(images=images, colour=COLOUR, grey=GREY, versions=textwrap.fill(listed, 120)),
            "## Steps",
            "",
            *_table(("library", "operator", "step", "result"), [_step_cells(each) for each in steps]),
            "",
            "## Whole geometries",
            "",
            "From the file to the last crop, as each source composes it; TensorFlow decodes with INTEGER_ACCURATE.",
            "",
            *_table(("library", "geometries", "result"), _geometry_cells(geometries)),
            "",
            "Below 0.001 is the last bit of a float32, for the reason given under `convert_image_dtype`.",
            "",
            "## What differs",
            "",
            "Grey levels of 0 to 255, over all pixels.",
            "",
            *_table(
                ("library", "operator", "steps", "identical", "largest", "mean", "what it means"),
                [_other_cells(each) for each in others],
            ),
            "",
        ]
    )


HEAD = """# Recipes and frameworks

This page shows whether the suite's geometry steps give the same pixels as the operators they stand for. Each operator
ran in its library's own environment, on {images} ImageNet files at their original sizes ({colour} in colour, {grey} in
grey). A step gets the same input as the operator, so that no difference hides behind another. The page was made by

```
python benchmarks/recipes.py IMAGES --write
```

{versions}

torchvision, timm, transformers and the ONNX model zoo's script change pixels with Pillow's `resize` and `crop` alone.
`benchmarks/operators/pillow_operators.py` repeats the few lines with which each of them calls Pillow. torchvision
itself does not run here, because its package is not pinned.
"""


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    right = [name in ("largest", "mean", "identical") for name in head]
    rule = ["---:" if number else "---" for number in right]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *lines)]


def _step_cells(each: Difference) -> list[str]:
    return [_title(each.row), f"`{each.row.operator}`", told(each.row.steps), _result(each)]


def _geometry_cells(found: Sequence[Difference]) -> list[list[str]]:
    """One line for all geometries of a library that came out alike."""
    lines: dict[tuple[str, str], list[str]] = {}
    for each in found:
        result = "identical" if each.identical == each.images else "largest below 0.001"
        if each.largest >= 0.001 or each.other_size:
            result = _result(each)
        lines.setdefault((_title(each.row), result), []).append(f"`{each.row.geometry}`")
    return [[title, ", ".join(names), result] for (title, result), names in lines.items()]


def _other_cells(each: Difference) -> list[str]:
    compared = each.images - each.other_size
    identical = f"{each.identical} of {each.images}"
    if each.other_size:
        identical = f"{each.identical} of {compared}; {each.other_size} of another size"
    row = each.row
    numbers = [_number(each.largest), _number(each.mean)]
    return [_title(row), f"`{row.operator}`", told(row.steps), identical, *numbers, row.meaning]


def _title(row: Row) -> str:
    return TITLES.get(row.library) or framework(row.library).title


def told(steps: Steps) -> str:
    """Steps with their values, as recipes.toml orders them; what only repeats the library's name is left out."""
    told = []
    for each in steps:
        values = [str(value) for name, value in each.to_json().items() if name not in ("op", "antialias")]
        told.append(f"{each.op} ({', '.join(values)})")
    return ", ".join(told)


def _result(each: Difference) -> str:
    if each.identical == each.images:
        return "identical"
    return f"largest {_number(each.largest)}, mean {_number(each.mean)}"


def _number(value: float) -> str:
    """Two digits that count; what no network can see is not spelled out."""
    if 0 < value < 0.001:
        return "below 0.001"
    return f"{value:.0f}" if value == 0 or value >= 10 else f"{value:.2g}"


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    images = chosen(arguments.images)
    found, versions = [], preprocess.versions()
    for library in dict.fromkeys(row.library for row in rows()):
        python = interpreter(library)
        if python is None:
            print(f"{library} is left out: its environment is not built (zoo setup {library})", file=sys.stderr)
            continue
        found += measure(library, python, [row for row in rows() if row.library == library], images)
        if library not in CORE:
            known = environments.find(framework(library))
            versions[library] = known.versions[library] if known else "?"
    text = page(found, len(images), versions)
    print(text)
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
