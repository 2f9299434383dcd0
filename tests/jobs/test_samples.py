"""Sample answers through real workers: right and falsified ones, with images and without, interrupted, and damaged."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from PIL import Image

from tests.by_hand import little_zoo
from tests.by_hand.built import built
from tests.by_hand.commands import report_of, validated
from tests.by_hand.far_side import interpreter
from tests.by_hand.samples import declare, judged, scores
from zoo import disk
from zoo.cli.commands import run
from zoo.documents.load import load_zoo
from zoo.jobs.request import Request
from zoo.jobs.samples import SampleJob
from zoo.jobs.validate import Validation
from zoo.progress import Talk
from zoo.records import Report
from zoo.runs import merge
from zoo.runs.folder import RunFolder


@dataclass
class Done:
    """What a command did."""

    returncode: int
    stdout: str
    stderr: str


def zoo(*arguments: object) -> Done:
    """`zoo ARGUMENTS` in this process: only the exit code and the words are of interest here."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = run([str(argument) for argument in arguments])
    return Done(code, out.getvalue(), err.getvalue())


# --- the fake framework: everything but the arithmetic -----------------------------------------


@pytest.fixture
def picture(folder: Path) -> Path:
    """A picture of class `label_of` for the fake network; it is moved out of the zoo's images."""
    path = folder / "cat.png"
    shutil.copy(folder / "images" / "0003.png", path)
    return path


@pytest.fixture
def bare(folder: Path, picture: Path) -> Path:
    """The little zoo without images of its own."""
    shutil.rmtree(folder / "images")
    return folder


def fake_class(picture: Path) -> int:
    with Image.open(picture) as opened:
        return int(np.asarray(opened, np.int64).sum()) % little_zoo.CLASSES


def right(picture: Path, **changes: Any) -> dict[str, Any]:
    """The fake network's own answer: 10 for its class, 9 for the next one."""
    best = fake_class(picture)
    after = (best + 1) % little_zoo.CLASSES
    fields = {"checkpoint": "little/good", "recipe": "whole", "input": picture}
    return {**fields, "best": [best], "scores": scores((best, "10.0"), (after, "9.0")), **changes}


def test_alone_without_images(bare: Path, picture: Path, out: Path) -> None:
    declare(bare, right(picture))
    done = zoo("validate", "--zoo", bare, "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no --images: only sample answers are checked; no accuracy of 1 checkpoint is validated" in done.stderr
    assert "1 confirmed; 1 sample answer." in done.stdout
    assert "to have documented accuracies validated too, give images (`--images PATH`)" in done.stdout
    report = report_of(out)
    assert not report.runs
    (sample,) = report.samples
    assert sample.input_sha256 == disk.file_sha256(picture)
    assert sample.input_verified
    assert len(sample.outputs) == little_zoo.CLASSES
    page, markdown = (out / "report.html").read_text(), (out / "report.md").read_text()
    for text in (page, markdown, done.stdout):
        assert "Sample answers" in text or text is done.stdout
        assert "10 / 10 (±0.05)" in text
        assert "no claim" not in text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"scores": scores((0, "99.0"))}, "printed 99"),
        ({"best": [0, 1, 2]}, "highest scores"),
    ],
)
def test_a_falsified_answer_is_refuted(
    bare: Path, picture: Path, out: Path, changes: dict[str, Any], reason: str
) -> None:
    if fake_class(picture) == 0 and "best" in changes:
        changes = {"best": [1, 0, 2]}
    declare(bare, right(picture, **changes))
    done = zoo("validate", "--zoo", bare, "--out", out)
    assert done.returncode == 1, done.stdout
    assert judged(report_of(out))["one"].outcome == "refuted"
    assert reason in done.stdout
    assert 'type="refuted"' in (out / "junit.xml").read_text()


def test_a_falsified_hash_is_refused(bare: Path, picture: Path, out: Path) -> None:
    declare(bare, right(picture, input={"name": "cat.png", "sha256": "0" * 64}))
    done = zoo("validate", "--zoo", bare, "--out", out)
    assert done.returncode == 3
    verdict = judged(report_of(out))["one"]
    assert verdict.outcome == "not_run"
    assert "no usable cat.png" in verdict.reason
    assert f"expected sha256 {'0' * 64}, got {disk.file_sha256(picture)}" in verdict.reason


def test_a_falsified_recipe_is_refused(bare: Path, picture: Path, out: Path) -> None:
    declare(bare, right(picture, recipe="hole"))
    done = zoo("validate", "--zoo", bare, "--out", out)
    assert done.returncode == 2
    assert f"{bare / 'sample_answers.toml'}, line" in done.stderr
    assert "expected the id of a known recipe, got 'hole'; nearest: whole" in done.stderr
    assert not out.exists()


def test_beside_images_it_comes_first(folder: Path, picture: Path, out: Path) -> None:
    declare(folder, right(picture))
    done = zoo("validate", "--zoo", folder, "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    report = report_of(out)
    assert (len(report.samples), len(report.runs), report.runs[0].n) == (1, 1, 12)
    assert report.verdicts[0].rule == "X301"
    assert done.stdout.index("sample answer") < done.stdout.index("top-1")


def test_beside_images_one_without_its_picture_is_left_out(folder: Path, out: Path) -> None:
    declare(folder, {"checkpoint": "little/good", "recipe": "whole", "best": [1], "input": {"name": "lost.png"}})
    done = zoo("validate", "--zoo", folder, "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 sample answer left out: the files are not on this machine; `zoo fetch` gets them" in done.stderr
    assert not report_of(out).samples


def test_alone_one_without_its_picture_could_not_be_run(bare: Path, out: Path) -> None:
    declare(bare, {"checkpoint": "little/good", "recipe": "whole", "best": [1], "input": {"name": "lost.png"}})
    done = zoo("validate", "--zoo", bare, "--out", out)
    assert done.returncode == 3
    assert "not run: little/good@fake: little/good: lost.png is not on this machine" in done.stdout
    assert "1 of 1 sample answer could not be done" in done.stdout


def test_a_zoo_without_images_and_without_sample_answers_needs_images(bare: Path, out: Path) -> None:
    done = zoo("validate", "--zoo", bare, "--out", out)
    assert done.returncode == 2
    assert "--images is needed" in done.stderr


@pytest.mark.parametrize("option", [("--sample", "3"), ("--labels", "x.txt"), ("--recipe", "whole")])
def test_what_is_about_images_still_needs_them(bare: Path, picture: Path, out: Path, option: tuple[str, str]) -> None:
    declare(bare, right(picture))
    done = zoo("validate", "--zoo", bare, "--out", out, *option)
    assert done.returncode == 2
    assert "--images is needed" in done.stderr


def test_a_tensor_is_given_as_it_is(bare: Path, out: Path) -> None:
    tensor = np.random.default_rng(1).integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)
    np.save(bare / "in.npy", tensor)
    best = int(tensor.sum()) % little_zoo.CLASSES
    printed = 10 - (np.arange(10, dtype=np.float32)[None] - best) % 10
    (bare / "out.pb").write_bytes(numpy_helper.from_array(printed).SerializeToString())
    sample = {"checkpoint": "little/good", "input": bare / "in.npy", "output": bare / "out.pb", "best": [best]}
    declare(bare, {**sample, "tolerance": 1e-6})
    assert judged(validated(bare, out))["one"].outcome == "confirmed"
    printed[0, 7] += 0.01
    (bare / "out.pb").write_bytes(numpy_helper.from_array(printed).SerializeToString())
    declare(bare, {**sample, "tolerance": 1e-6, "output": bare / "out.pb"})
    verdict = judged(validated(bare, out))["one"]
    assert verdict.outcome == "refuted"
    assert "1 of 10 scores beyond what is allowed; largest difference 0.01 at output 7" in verdict.reason


def test_a_tensor_of_another_shape_fails_and_the_others_go_on(bare: Path, picture: Path, out: Path) -> None:
    np.save(bare / "in.npy", np.zeros((1, 3, 8, 8), np.uint8))
    wrong = {"id": "wrong", "checkpoint": "little/good", "input": bare / "in.npy", "best": [1]}
    declare(bare, wrong, right(picture))
    done = zoo("validate", "--zoo", bare, "--out", out)
    assert done.returncode == 3
    found = judged(report_of(out))
    assert (found["wrong"].outcome, found["one"].outcome) == ("not_run", "confirmed")
    assert "expected a tensor (1, 8, 8, 3) (nhwc), got (1, 3, 8, 8)" in found["wrong"].reason


def test_a_crash_is_one_failed_sample_answer(bare: Path, picture: Path, out: Path) -> None:
    little_zoo.add_checkpoint(bare, "crash", misbehave="crash")
    declare(bare, right(picture, id="dead", checkpoint="little/crash"), right(picture))
    done = zoo("validate", "--zoo", bare, "--out", out)
    assert done.returncode == 3
    report = report_of(out)
    assert {sample.sample: sample.status for sample in report.samples} == {"one": "done", "dead": "failed"}
    assert 'classname="sample answer"' in (out / "junit.xml").read_text()


def test_another_kind_of_kernel(bare: Path, picture: Path, out: Path) -> None:
    little_zoo.add_checkpoint(bare, "bytes", saturates=0.5)
    declare(bare, right(picture, checkpoint="little/bytes", integer_sums="exact", processor="one with VNNI"))
    assert judged(validated(bare, out))["one"].outcome == "confirmed"
    shipped = judged(validated(bare, out.with_name("shipped"), arithmetic="as-shipped"))["one"]
    assert shipped.outcome == "not_comparable"
    assert (
        "made with byte products added whole (one with VNNI), byte products are cut off at 16 bits here"
        in shipped.reason
    )


def test_answers_are_kept(bare: Path, picture: Path, out: Path, own_home: Path) -> None:
    declare(bare, right(picture))
    first = validated(bare, out)
    (bare / "good.json").touch()
    kept = sorted(path for path in (own_home / "results").rglob("*.npz"))
    before = [path.stat().st_mtime_ns for path in kept]
    again = validated(bare, out.with_name("again"))
    assert again.samples == first.samples
    assert [path.stat().st_mtime_ns for path in kept] == before


def test_interrupted_and_resumed(bare: Path, picture: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(bare, right(picture), right(picture, id="two"), right(picture, id="three"))
    look = SampleJob.look
    seen: list[Any] = []

    def interrupted(job: SampleJob, planned: Any) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(planned)
        look(job, planned)

    monkeypatch.setattr(SampleJob, "look", interrupted)
    folder = RunFolder(out)
    request = Request(zoo=str(bare), threads=1, jobs=1)
    folder.create(request.to_json())
    with pytest.raises(KeyboardInterrupt):
        Validation(request, folder, Talk(quiet=True)).execute()
    report = report_of(out)
    assert [sample.status for sample in report.samples] == ["done", "not_run", "not_run"]
    assert "--resume" in (report.samples[1].error or "")
    monkeypatch.undo()


def test_a_folder_is_resumed_judged_again_and_merged(bare: Path, picture: Path, out: Path) -> None:
    declare(bare, right(picture))
    assert zoo("validate", "--zoo", bare, "--out", out).returncode == 0
    declare(bare, right(picture), right(picture, id="two", best=[99 % little_zoo.CLASSES, 1]))
    done = zoo("validate", "--resume", out)
    assert done.returncode == 1
    report = report_of(out)
    assert {name: each.outcome for name, each in judged(report).items()} == {"one": "confirmed", "two": "refuted"}
    again = zoo("compare", out)
    assert again.returncode == 1
    assert "the stored verdicts stand" in again.stdout
    merged, documents = merge.merged([RunFolder(out), RunFolder(out)])
    assert merged.samples == report.samples
    assert len(documents.sample_answers) == 2
    edited = json.loads((out / "report.json").read_text())
    edited["samples"][0]["outputs"][0] += 1
    (out / "report.json").write_text(json.dumps(edited))
    refused = zoo("compare", out)
    assert refused.returncode == 2
    assert "report.json" in refused.stderr


def test_fetch_gets_pictures(bare: Path, picture: Path, tmp_path: Path) -> None:
    declare(bare, right(picture))
    done = zoo("fetch", "--zoo", bare)
    assert done.returncode == 0, done.stderr
    assert f"little/good: {picture}" in done.stdout
    declare(bare, right(picture, input={"name": "lost.png", "urls": ["http://127.0.0.1:9/lost.png"]}))
    done = zoo("fetch", "--zoo", bare)
    assert done.returncode == 3
    assert "cannot fetch lost.png" in done.stderr


# --- real frameworks, nothing but what comes with the suite ------------------------------------


def test_the_embedded_network(tmp_path: Path, own_home: Path, out: Path) -> None:
    """A sample answer printed from one framework holds in another, and a wrong last digit does not."""
    for name in ("onnxruntime", "torch"):
        built(name)
    folder = tmp_path / "zoo"
    folder.mkdir()
    for name in ("weights.safetensors", "recipes.toml", "label_maps.toml"):
        shutil.copy(disk.EMBEDDED / name, folder)
    shutil.copy(disk.EMBEDDED / "images" / "0000.jpg", folder / "shape.jpg")
    network = "network = { alpha = 0.35, resolution = 96, classes = 24 }\n"
    common = f'recipe = "embedded_110_96"\nlabel_map = "embedded"\nexport_from = "weights.safetensors"\n{network}'
    formats = {"onnxruntime": "onnx", "torch": "torch_state_dict"}
    (folder / "checkpoints.toml").write_text(
        "\n".join(
            f'[[checkpoint]]\nid = "own/{name}"\nframework = "{name}"\nformat = "{form}"\n{common}'
            for name, form in formats.items()
        )
    )
    base = {"recipe": "embedded_110_96", "input": folder / "shape.jpg"}
    declare(folder, {**base, "checkpoint": "own/torch", "best": [0]})
    (first,) = validated(folder, out, checkpoints="own/torch").samples
    ranked = np.argsort(first.outputs)[::-1][:3].tolist()
    printed = [(output, f"{first.outputs[output]:.3f}") for output in ranked]
    wrong = [(output, f"{float(value) + 0.002:.3f}") for output, value in printed]
    declare(
        folder,
        *(
            {**base, "id": f"{name}-{kind}", "checkpoint": f"own/{name}", "best": ranked, "scores": scores(*values)}
            for name in formats
            for kind, values in (("right", printed), ("wrong", wrong))
        ),
    )
    done = zoo("validate", "--zoo", folder, "--out", out.with_name("all"))
    assert done.returncode == 1, done.stdout + done.stderr
    outcomes = {name: verdict.outcome for name, verdict in judged(report_of(out.with_name("all"))).items()}
    assert outcomes == {
        "onnxruntime-right": "confirmed",
        "onnxruntime-wrong": "refuted",
        "torch-right": "confirmed",
        "torch-wrong": "refuted",
    }


# --- published checkpoints and published inputs ------------------------------------------------

ONNX_DIRECTLY = """
import sys, numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.add_session_config_entry("session.x64quantprecision", sys.argv[4])
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
numpy.save(sys.argv[3], session.run(None, {"input": numpy.load(sys.argv[2])})[0])
"""
LITE_DIRECTLY = """
import sys, numpy, tensorflow
network = tensorflow.lite.Interpreter(sys.argv[1], num_threads=1)
network.allocate_tensors()
network.set_tensor(network.get_input_details()[0]["index"], numpy.load(sys.argv[2]))
network.invoke()
found = network.get_output_details()[0]
scale, zero = found["quantization"]
levels = network.get_tensor(found["index"]).astype(numpy.float32)
numpy.save(sys.argv[3], (levels - zero) * numpy.float32(scale))
"""
INT8, LITE = "onnx-zoo/mobilenetv2-12-int8", "tflite/mobilenet_v2_1.0_224_quant"
FILES = {INT8: "mobilenetv2-12-int8.onnx", LITE: "mobilenet_v2_1.0_224_quant.tflite"}
EXACT = {"integer_sums": "exact", "processor": "any, with exact sums"}


def directly(framework: str, script: str, *arguments: object) -> None:
    """A framework's own interface, nothing of the suite."""
    command = [interpreter(framework), "-W", "ignore", "-c", script, *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)


def real_zoo(folder: Path, checkpoint: str) -> Path:
    """The record of a published checkpoint in a zoo of its own; its file comes from ZOO_MIRROR."""
    record = load_zoo("published").checkpoints[checkpoint].to_json()
    folder.mkdir()
    wanted = ("id", "framework", "format", "recipe", "label_map", "quantised")
    lines = [f"{name} = {json.dumps(record[name])}" for name in wanted]
    file = record["files"][0]
    lines.append(f'files = [{{ name = "{file["name"]}", sha256 = "{file["sha256"]}" }}]')
    (folder / "checkpoints.toml").write_text("[[checkpoint]]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return folder


def outcome(folder: Path, out: Path, *samples: dict[str, Any], **request: Any) -> Report:
    declare(folder, *samples)
    return validated(folder, out, **request)


@pytest.fixture
def mirror(assets: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The published files."""
    monkeypatch.setenv("ZOO_MIRROR", str(assets / "checkpoints"))
    return assets / "checkpoints"


@pytest.mark.slow
def test_the_published_onnx_file(assets: Path, mirror: Path, tmp_path: Path, out: Path) -> None:
    folder = real_zoo(tmp_path / "zoo", INT8)
    given, made = folder / "input_0.npy", folder / "output_0.npy"
    shutil.copy(assets / "reference_io" / "mobilenetv2_nchw" / "0" / "input_0.npy", given)
    directly("onnxruntime", ONNX_DIRECTLY, mirror / FILES[INT8], given, made, 1)
    right = np.load(made)
    wrong = right.copy()
    wrong[0, 500] += 0.1
    np.save(folder / "wrong.npy", wrong)
    stated = {"checkpoint": INT8, "input": given, "tolerance": 1e-7, "relative_tolerance": 1e-3, **EXACT}
    shutil.copy(assets / "reference_io" / "grace_hopper.jpg", folder)
    report = outcome(
        folder,
        out,
        {**stated, "id": "right", "output": made},
        {**stated, "id": "wrong", "output": folder / "wrong.npy"},
        {**stated, "id": "silent", "output": folder / "wrong.npy", "integer_sums": None, "processor": None},
        {
            "id": "picture", "checkpoint": INT8, "recipe": "onnx_zoo_inc_256_224", "best": [652],
            "input": folder / "grace_hopper.jpg", **EXACT,
        },
    )  # fmt: skip
    found = judged(report)
    outcomes = {name: verdict.outcome for name, verdict in found.items()}
    assert outcomes == {
        "right": "confirmed", "wrong": "refuted", "silent": "not_comparable", "picture": "confirmed"
    }  # fmt: skip
    assert "1 of 1,000 scores beyond what is allowed; largest difference 0.1 at output 500" in found["wrong"].reason
    assert {sample.hash_verified for sample in report.samples} == {True}
    assert {sample.integer_sums for sample in report.samples} == {"exact"}
    np.testing.assert_allclose(report.samples[0].outputs, right.ravel(), rtol=1e-6)


@pytest.mark.slow
def test_the_published_tflite_file(assets: Path, mirror: Path, tmp_path: Path, out: Path) -> None:
    folder = real_zoo(tmp_path / "zoo", LITE)
    given, made = folder / "input_0.npy", folder / "output_0.npy"
    noise = np.load(assets / "reference_io" / "mobilenetv2_nhwc" / "0" / "input_0.npy")
    np.save(given, np.rint(noise).astype(np.uint8))
    directly("tensorflow", LITE_DIRECTLY, mirror / FILES[LITE], given, made)
    right = np.load(made)
    np.save(folder / "wrong.npy", right[:, ::-1])
    stated = {"checkpoint": LITE, "input": given, "tolerance": 1e-5, **EXACT}
    printed = [(output, f"{right[0, output]:.3f}") for output in np.argsort(right[0])[::-1][:2].tolist()]
    best = np.argsort(-right[0], kind="stable")[:1].tolist()
    falsified = [(printed[0][0], f"{float(printed[0][1]) + 0.01:.3f}")]
    report = outcome(
        folder,
        out,
        {**stated, "id": "right", "output": made},
        {**stated, "id": "wrong", "output": folder / "wrong.npy"},
        {"id": "digits", "checkpoint": LITE, "input": given, "scores": scores(*printed), "best": best, **EXACT},
        {"id": "falsified", "checkpoint": LITE, "input": given, "scores": scores(*falsified), **EXACT},
    )
    assert {name: verdict.outcome for name, verdict in judged(report).items()} == {
        "right": "confirmed", "wrong": "refuted", "digits": "confirmed", "falsified": "refuted"
    }  # fmt: skip
    assert {sample.integer_sums for sample in report.samples} == {"exact"}


@pytest.mark.slow
def test_published_tensors_from_an_archive(assets: Path, own_home: Path, tmp_path: Path, out: Path) -> None:
    """Those of the float network, in the form of the ONNX model zoo; the network is reconstructed: it differs."""
    built("onnxruntime")
    source = assets / "reconstructed" / "mobilenetv2-12_fp32-backbone_int8-classifier.onnx"
    folder = tmp_path / "zoo"
    folder.mkdir()
    shutil.copy(source, folder / "net.onnx")
    (folder / "checkpoints.toml").write_text(
        '[[checkpoint]]\nid = "own/reconstructed"\nframework = "onnxruntime"\nformat = "onnx"\n'
        'recipe = "torch_256_224"\nlabel_map = "imagenet1000"\nfiles = [{ name = "net.onnx" }]\n'
    )
    published = assets / "reference_io" / "mobilenetv2_nchw" / "0"
    archive = folder / "net.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("input_0", "output_0"):
            proto: onnx.TensorProto = numpy_helper.from_array(np.load(published / f"{name}.npy"))
            (tmp_path / f"{name}.pb").write_bytes(proto.SerializeToString())
            tar.add(tmp_path / f"{name}.pb", f"net/test_data_set_0/{name}.pb")
    inside = {"name": archive.name, "sha256": disk.file_sha256(archive)}
    files = {
        name: {
            "name": f"net/test_data_set_0/{name}_0.pb",
            "archive": {**inside, "member": f"net/test_data_set_0/{name}_0.pb"},
        }
        for name in ("input", "output")
    }
    wide = {"checkpoint": "own/reconstructed", **files, "tolerance": 0.1}
    report = outcome(
        folder, out, {**wide, "id": "wide"}, {**wide, "id": "tight", "tolerance": 1e-7, "relative_tolerance": 1e-3}
    )
    found = judged(report)
    assert (found["wide"].outcome, found["tight"].outcome) == ("confirmed", "refuted")
    assert "largest difference 0.066" in found["wide"].reason
    assert report.samples[0].input_verified
