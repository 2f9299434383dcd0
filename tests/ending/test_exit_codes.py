"""What the program ends with: a verdict alone is 1, and nobody ever sees a traceback."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.by_hand import little_zoo
from tests.by_hand.commands import report_of
from zoo.ending import exit_codes

# The program whose commands do this: nobody can plant an error that nobody foresaw in the real ones.
PLANTED = """
import sys, types
def run(arguments):
    {body}
sys.modules["zoo.cli"] = types.SimpleNamespace(run=run)
from zoo.__main__ import main
main()
"""


def planted(body: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PLANTED.format(body=body)],
        env={**os.environ, **variables}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def told(done: subprocess.CompletedProcess[str]) -> str:
    """The one line, which is no traceback."""
    (line,) = done.stderr.splitlines()
    assert line.startswith("zoo: an error that nobody foresaw: ")
    assert done.stdout == ""
    return line


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise EOFError('no data left')", "EOFError: no data left"),
        ("raise KeyError('two\\nlines \\x1b[31m')", "KeyError: 'two\\nlines \\x1b[31m'"),
        ("raise OSError('two\\nlines \\x1b[31m')", "OSError: two lines [31m"),
        ("run(arguments)", "RecursionError: maximum recursion depth exceeded"),
        ("sys.exit(1)", "SystemExit: 1"),
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
    ],
)
def test_an_error_that_nobody_foresaw_is_one_line_and_a_file(body: str, words: str, tmp_path: Path) -> None:
    done = planted(body, ZOO_HOME=str(tmp_path / "home"))
    assert done.returncode == exit_codes.UNFORESEEN == 70
    assert words in told(done)
    (path,) = (tmp_path / "home" / "errors").iterdir()
    assert f"its traceback is in {path}; please report it" in told(done)
    text = path.read_text(encoding="utf-8")
    assert "Traceback (most recent call last)" in text
    assert "command: ['-c']" in text


def test_no_traceback_is_written_over(tmp_path: Path) -> None:
    for _ in range(3):
        planted("raise EOFError", ZOO_HOME=str(tmp_path))
    assert len(list((tmp_path / "errors").iterdir())) == 3


def test_where_zoo_home_cannot_be_written_it_is_a_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for home in (tmp_path / "file", "~nobody-of-that-name/home"):
        done = planted("raise EOFError", ZOO_HOME=str(home), TMPDIR=str(tmp_path))
        assert done.returncode == exit_codes.UNFORESEEN
        found = re.search(rf"its traceback is in ({re.escape(str(tmp_path))}/zoo-\S+\.txt);", told(done))
        assert found is not None
        assert "EOFError" in Path(found[1]).read_text(encoding="utf-8")


def test_an_error_in_a_thread_counts() -> None:
    body = "import threading; thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join(); return 0"
    done = planted(body)
    assert done.returncode == exit_codes.UNFORESEEN
    assert "ZeroDivisionError: division by zero" in told(done)


def test_an_error_where_python_can_raise_none_counts() -> None:
    done = planted(
        "type('Gone', (), {{'__del__': lambda self: 1 / 0}})(); return 0".replace("{{", "{").replace("}}", "}")
    )
    assert done.returncode == exit_codes.UNFORESEEN
    assert "ZeroDivisionError: division by zero" in told(done)


def test_the_code_of_a_command_is_that_of_the_program() -> None:
    assert [planted(f"return {code}").returncode for code in (0, 1, 2, 3)] == [0, 1, 2, 3]


# --- the terminal --------------------------------------------------------------------------------


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """bash, with `zoo` for the program."""
    line = f'zoo() {{ "{sys.executable}" -m zoo "$@"; }}; {line}'
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120, check=False)


def test_who_reads_only_the_beginning_sees_nothing_but_it() -> None:
    done = shell("zoo list claims | head -1; echo ${PIPESTATUS[0]}")  # more than a pipe holds
    heads, code = done.stdout.splitlines()
    assert (heads.split(), code, done.stderr) == (
        ["claim", "checkpoint", "metric", "documented", "source"], str(exit_codes.OUTPUT_CLOSED), "",
    )  # fmt: skip


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_results_that_cannot_be_printed_are_no_verdict() -> None:
    for command in ("list recipes", "--help"):
        done = shell(f"zoo {command} > /dev/full")
        assert done.returncode == exit_codes.NOT_RUN
        assert done.stderr == ("zoo: cannot print the results: No space left on device; give stdout another place\n")


def test_remarks_that_nobody_reads_end_nothing(tmp_path: Path, own_home: Path) -> None:
    folder, out = little_zoo.make(tmp_path / "little"), tmp_path / "out"
    for number, closed in enumerate(("2> >(true)", "2>&-", ">&- 2>&- <&-", "2> /dev/full")):
        assert shell(f"zoo validate --zoo {folder} --out {out}-{number} {closed}").returncode == 0
        assert report_of(tmp_path / f"out-{number}").runs[0].status == "done"


def test_a_terminal_that_knows_few_characters_gets_escapes() -> None:
    done = shell("PYTHONIOENCODING=ascii zoo list checkpoints --zoo published")
    assert (done.returncode, done.stderr) == (0, "")
    assert "onnx-zoo/mobilenetv2-7 " in done.stdout


# --- signals -------------------------------------------------------------------------------------


def heed_ctrl_c() -> None:
    """A job in the background ignores it, and so do its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextlib.contextmanager
def hanging(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`zoo validate` that has made one run and hangs in the second."""
    folder = little_zoo.make(tmp_path / "little")
    little_zoo.add_checkpoint(folder, "slow", misbehave="hang")
    command = [sys.executable, "-m", "zoo", "validate", "--zoo", str(folder), "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c) as running:
        until = time.monotonic() + 60
        while not (tmp_path / "out" / "report.json").is_file() and time.monotonic() < until:
            time.sleep(0.1)
        yield running


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "ended by SIGTERM")]
)
def test_a_signal_leaves_a_folder_that_can_be_resumed(
    number: signal.Signals, code: int, word: str, tmp_path: Path, own_home: Path
) -> None:
    with hanging(tmp_path) as running:
        running.send_signal(number)
        stderr = running.communicate(timeout=60)[1]
    assert running.returncode == code
    assert stderr.splitlines()[-1] == word
    assert "Traceback" not in stderr
    assert [each.status for each in report_of(tmp_path / "out").runs] == ["done", "not_run"]


def test_interrupted_before_it_has_begun() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "zoo", "list", "claims"]  # it says when it begins to import
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c
    ) as running:
        assert running.stderr is not None
        while "pydantic" not in running.stderr.readline():
            pass
        running.send_signal(signal.SIGINT)
        lines = running.stderr.read().splitlines()
    assert running.returncode == exit_codes.INTERRUPTED
    assert [line for line in lines if not line.startswith("import time:")] == ["interrupted"]
