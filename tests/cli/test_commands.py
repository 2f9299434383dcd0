"""The small commands as a user runs them: list, doctor, setup, fetch, help."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.by_hand import little_zoo
from tests.by_hand.commands import zoo
from tests.by_hand.samples import declare
from zoo.cli import catalogue, commands
from zoo.ending.exit_codes import EXIT_CODES
from zoo.report.audit import FORMATS


def test_what_help_offers_is_what_there_is() -> None:
    assert tuple(catalogue.TABLES) == commands.LISTS
    assert tuple(FORMATS) == commands.AUDIT_FORMATS


@pytest.mark.parametrize("what", commands.LISTS)
def test_list_prints_a_table(what: str) -> None:
    done = zoo("list", what)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 2


def test_list_keeps_ids_in_one_piece_and_says_what_is_known_of_the_bytes() -> None:
    lines = zoo("list", "checkpoints").stdout.splitlines()
    (int8,) = [line for line in lines if line.startswith("onnx-zoo/mobilenetv2-12-int8 ")]
    assert "sha256 published" in int8
    assert any("no hash published" in line for line in lines if line.startswith("mindspore/"))
    assert any("unavailable: " in line for line in lines)


def test_list_says_by_what_images_are_recognised() -> None:
    (published,) = [line for line in zoo("list", "image-sets").stdout.splitlines() if line.startswith("imagenet_val ")]
    assert published.endswith("labels, bytes of 21 images, archive")
    embedded = zoo("list", "image-sets", "--zoo", "embedded").stdout.splitlines()
    assert [line for line in embedded if "embedded_val" in line and "all bytes, labels" in line]


def test_a_checkpoint_is_known_as_well_as_its_worst_known_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = little_zoo.make(tmp_path / "little")
    sums = {"sha256": "0" * 64, "sha384": "0" * 96, "md5": "0" * 32, "sha1_prefix": "0" * 8}
    text = (folder / "checkpoints.toml").read_text(encoding="utf-8")
    path = folder / "checkpoints.toml"

    def listed(*files: str) -> str:
        tables = ", ".join(f'{{ name = "{number}"{given} }}' for number, given in enumerate(files))
        path.write_text(re.sub(r"files = .*", f"files = [{tables}]", text), encoding="utf-8")
        assert commands.run(["list", "checkpoints", "--zoo", str(folder)]) == 0
        (line,) = [line for line in capsys.readouterr().out.splitlines() if "little/" in line]
        return line.partition("whole")[2].strip()

    strong, weak, weakest = (f', {name} = "{sums[name]}"' for name in ("sha256", "md5", "sha1_prefix"))
    assert listed(strong, weak) == listed(weak, strong) == "md5 published"
    assert listed(strong, strong + weak) == "sha256 published"
    assert listed(weakest, strong, weak) == "sha1_prefix published"
    assert listed(strong, "") == "no hash published"
    archived = ', archive = { name = "a.zip", member = "x"%s }'
    assert listed(strong, archived % weak) == "md5 published"
    assert listed(weak + archived % strong) == "md5 published"


def test_list_names_the_nearest() -> None:
    done = zoo("list", "recipe")
    assert done.returncode == 2
    assert "'recipes'" in done.stderr


def test_strangers_zoo_is_listed_and_examined(tmp_path: Path, own_home: Path) -> None:
    folder = little_zoo.make(tmp_path / "little")
    assert "little/good" in zoo("list", "checkpoints", "--zoo", folder).stdout
    done = zoo("doctor", "--zoo", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 with the published hash, 1 without" in " ".join(done.stdout.split())
    (folder / "good.json").unlink()
    done = zoo("doctor", "--zoo", folder)
    assert done.returncode == 3
    assert "1 of 1: little/good" in " ".join(done.stdout.split())


def test_doctor_looks_for_the_files_of_sample_answers(tmp_path: Path, own_home: Path) -> None:
    folder = little_zoo.make(tmp_path / "little")
    picture = folder / "cat.png"
    shutil.copy(folder / "images" / "0000.png", picture)
    declare(folder, {"checkpoint": "little/good", "recipe": "whole", "input": picture, "best": [0]})
    done = zoo("doctor", "--zoo", folder)
    assert done.returncode == 0, done.stdout
    assert "sample answers here 1 file" in " ".join(done.stdout.split())
    picture.unlink()
    done = zoo("doctor", "--zoo", folder)
    assert done.returncode == 3
    assert "sample answers missing 1 of 1 file" in " ".join(done.stdout.split())
    assert "zoo fetch little/good, or set ZOO_MIRROR" in " ".join(done.stdout.split())


def test_mistake_in_a_strangers_zoo_is_named_by_file_line_and_key(tmp_path: Path) -> None:
    folder = little_zoo.make(tmp_path / "little")
    path = folder / "checkpoints.toml"
    path.write_text(path.read_text().replace('recipe = "whole"', 'recipe = "hole"'))
    for command in (("list", "checkpoints"), ("doctor",), ("validate",)):
        done = zoo(*command, "--zoo", folder)
        assert done.returncode == 2
        assert f"{path}, line 5" in done.stderr
        assert "'hole'" in done.stderr
        assert "whole" in done.stderr


def test_doctor_says_what_is_missing_and_what_mends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "empty"))
    done = zoo("doctor")
    assert done.returncode == 3
    words = " ".join(done.stdout.split())
    assert "ONNX Runtime not built zoo setup onnxruntime" in words
    assert "MindSpore not built zoo setup mindspore" in words


def test_setup_names_the_nearest_framework() -> None:
    done = zoo("setup", "pytorch")
    assert (done.returncode, "nearest: torch" in done.stderr) == (2, True)


def test_fetch_names_the_nearest_checkpoint() -> None:
    done = zoo("fetch", "tflite/mobilenet_v2_1.0_224_qant")
    assert (done.returncode, "nearest: tflite/mobilenet_v2_1.0_224_quant" in done.stderr) == (2, True)


def test_help_lists_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(["--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert all(f"{code} {meaning}" in shown for code, meaning in EXIT_CODES.items())
    assert {0, 1, 2, 3, 70, 130, 141, 143} == set(EXIT_CODES)


def test_help_fits_100_columns() -> None:
    for command in (
        (),
        ("validate",),
        ("list",),
        ("doctor",),
        ("setup",),
        ("fetch",),
        ("compare",),
        ("report",),
        ("audit",),
    ):
        done = zoo(*command, "--help")
        assert done.returncode == 0
        assert max(len(line) for line in done.stdout.splitlines()) <= 100
