"""The command line: each command parses, makes one library call and prints."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import shell_complete
from rich.console import Console
from rich.text import Text

from zoo import __version__, disk
from zoo.checkpoints import fetch
from zoo.cli import catalogue, doctor, options, plan
from zoo.cli.options import FILE, PATH
from zoo.documents.load import load_zoo
from zoo.ending.exit_codes import DEVIATES, EXIT_CODES, NOT_RUN, OK, WRONG_USE
from zoo.ending.streams import OutputError
from zoo.errors import (
    DamagedError,
    FileUnavailableError,
    ManifestError,
    RunFolderError,
    UsageError,
    ZooError,
    listing,
)
from zoo.frameworks import environments
from zoo.frameworks.table import framework, public_frameworks
from zoo.jobs import compare, judging
from zoo.jobs.audit import audit, look
from zoo.jobs.bench import Bench
from zoo.jobs.judging import NO_PICTURES, judged
from zoo.jobs.request import BenchRequest, Request
from zoo.jobs.thumbnails import of_report
from zoo.jobs.validate import Validation
from zoo.measure import selection
from zoo.progress import Talk
from zoo.records import Documents, Report
from zoo.report import changes as report_of_changes
from zoo.report import terminal
from zoo.report.audit import FORMATS
from zoo.report.text import clean, counted
from zoo.rules.judge import exit_code
from zoo.runs import changes, merge
from zoo.runs.folder import RunFolder

PROGRAM, COMPLETION = "zoo", "_ZOO_COMPLETE"  # the variable is click's, for completion by a shell
PLAIN_WIDTH = 100  # of tables that do not go to a terminal
LIST_WIDTH = 250  # of lists that do not


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


def _show(report: Report, documents: Documents, folder: RunFolder) -> None:
    console = _console()
    console.print(terminal.table(report, documents.claims, console.width))
    console.print(terminal.summary(report), markup=False, soft_wrap=True)
    console.print(f"Report: {folder.path / 'report.html'}", markup=False, soft_wrap=True)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": PLAIN_WIDTH},
    epilog=f"Exit codes: {', '.join(f'{code} {meaning}' for code, meaning in EXIT_CODES.items())}.",
)
@click.version_option(__version__, prog_name="zoo")
def cli() -> None:
    """Re-run what model zoos document about their MobileNetV2 checkpoints, and judge it."""


def run(arguments: Sequence[str]) -> int:
    """Run a command line; its exit code. Errors that somebody foresaw are told on stderr, all others are raised.

    Not click's own `main`: it takes EOFError for Ctrl-C, and ends with 1 where nobody reads the output.
    """
    try:
        if asked := os.environ.get(COMPLETION):
            return shell_complete(cli, {}, PROGRAM, COMPLETION, asked)
        with cli.make_context(PROGRAM, [*arguments]) as context:
            code: int = cli.invoke(context)
            return code
    except click.exceptions.Exit as error:  # --help, --version
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except OutputError:
        raise
    except (UsageError, ManifestError, RunFolderError) as error:
        click.echo(f"zoo: {clean(str(error))}", err=True)
        return WRONG_USE
    except ZooError as error:
        click.echo(f"zoo: {clean(str(error))}", err=True)
        return NOT_RUN


@cli.command()
@options.chosen("run")
@options.IMAGES
@click.option(
    "--sample",
    metavar="N|auto",
    callback=options.sample_size,
    help="N images, drawn by id; auto: in random order, until all is decided.",
)
@click.option("--seed", default=Request().seed, show_default=True, help="Of the sample or the order.")
@options.RECIPE
@click.option("--numeric", metavar="ID", help="Numeric steps in place of the checkpoint's own.")
@click.option("--threads", type=click.IntRange(1), default=Request().threads, help="For one run; default: all cores.")
@click.option(
    "--batch-size", type=click.IntRange(1), default=Request().batch_size, show_default=True, help="Images a call."
)
@options.ARITHMETIC
@click.option("--jobs", type=click.IntRange(1), default=Request().jobs, help="Processes that decode images.")
@options.TOLERANCE
@options.THUMBNAILS
@options.OUT
@click.option("--resume", type=PATH, help="Complete this run folder; no other options.")
@click.option("--fresh", is_flag=True, help="Compute and read again what is remembered.")
@options.QUIET
def validate(
    tolerance: float, out: Path | None, resume: Path | None, fresh: bool, quiet: bool, **arguments: Any
) -> int:
    """The main job: evaluate checkpoints and judge their documented accuracy."""
    request = Request(tolerance=tolerance / 100, **arguments)
    if resume is not None:
        if out is not None or request != Request():
            raise UsageError("--resume takes its options from the run folder; give no others with it")
        out, request = resume, RunFolder(resume).request(Request)
    folder = RunFolder(out if out is not None else RunFolder.fresh_path())
    return _executed(Validation(request, folder, Talk(quiet=quiet), fresh=fresh))


@cli.command("bench")
@options.chosen("time")
@click.option(
    "--batch",
    metavar="1,8",
    default=options.with_commas(BenchRequest().batch),
    show_default=True,
    callback=options.counts,
    help="Images a call.",
)
@click.option(
    "--threads",
    metavar="1,2",
    default=options.with_commas(BenchRequest().threads),
    callback=options.counts,
    help="For one operator; default: all cores.",
)
@options.IMAGES
@options.RECIPE
@options.ARITHMETIC
@click.option(
    "--budget",
    metavar="SECONDS",
    type=options.Number(1),
    default=BenchRequest().budget,
    show_default=True,
    help="For warm-up and calls of each cell.",
)
@click.option("--untrained", is_flag=True, help="Random weights where a published file is not here.")
@click.option("--baseline", metavar="RUN", help="Fail what is slower than in this earlier bench.")
@options.OUT
@options.QUIET
def bench_(out: Path | None, quiet: bool, **arguments: Any) -> int:
    """Time checkpoints in their frameworks, and say first whether the numbers can be quoted."""
    folder = RunFolder(out if out is not None else RunFolder.fresh_path())
    return _executed(Bench(BenchRequest(**arguments), folder, Talk(quiet=quiet)))


def _executed(job: Validation | Bench) -> int:
    job.folder.create(job.request.to_json())
    report, documents = job.execute()
    _show(report, documents, job.folder)
    return exit_code(report.runs, report.verdicts, report.latencies)


@cli.command("plan")
@click.argument("pattern", metavar="GLOB")
@options.known_zoo("published")
@options.TOLERANCE
@click.option("--sample", metavar="N", type=click.IntRange(1), help="Also how likely N images decide it.")
def plan_(pattern: str, zoo: str, tolerance: float, sample: int | None) -> int:
    """How many images decide a claim; GLOB: ids of claims or of checkpoints. Needs no images.

    Two numbers each: images that decide with a probability of 80 % and of 95 %.
    """
    known = load_zoo(zoo)
    _console().print(plan.table(known, plan.chosen(known, pattern), tolerance / 100, sample))
    click.echo(plan.LEGEND)
    return OK


@cli.command("compare")
@click.argument("run", type=PATH)
@click.argument("other", metavar="[RUN]", type=PATH, required=False)
@click.option("--html", "page", type=FILE, help="Also write a page (two runs).")
def compare_(run: Path, other: Path | None, page: Path | None) -> int:
    """What changed from one run to another; 1 if a verdict worsened. One RUN: judge it again by today's rules."""
    if other is None:
        if page is not None:
            raise UsageError("--html shows two runs; one run has its report.html, which `zoo report RUN` writes again")
        return _judge_again(RunFolder(run))
    changed = changes.compare(_side(run), _side(other))
    console = _console()
    for part in report_of_changes.terminal(changed):
        console.print()
        console.print(part, soft_wrap=isinstance(part, Text))
    if paired := compare.between(RunFolder(run), RunFolder(other)):
        console.print(f"\nImage by image:\n{terminal.sentences(paired)}", markup=False)
    if page is not None:
        _write(page, report_of_changes.to_html(changed))
        click.echo(f"Page: {page}")
    damages = _damages((RunFolder(run), RunFolder(other)))
    return NOT_RUN if damages else DEVIATES if changed.worsened else OK


def _damages(folders: Iterable[RunFolder]) -> list[str]:
    """What in run folders cannot be believed; it is said, and judged as what could not be run."""
    sentences = [sentence for folder in folders for sentence in folder.damages()]
    for sentence in sentences:
        Talk().warn(sentence)
    return sentences


def _judge_again(folder: RunFolder) -> int:
    stored, documents = folder.report(), folder.documents()
    report = judged(stored, documents, folder)
    _show(report, documents, folder)
    changed = changes.count_differing(stored.verdicts, report.verdicts)
    verb = "differs" if changed == 1 else "differ"
    click.echo(f"{counted(changed, 'verdict')} {verb} from what is stored" if changed else "the stored verdicts stand")
    return exit_code(report.runs, report.verdicts, report.latencies)


def _side(path: Path) -> changes.Side:
    folder = RunFolder(path)
    documents = folder.documents()
    return changes.Side(
        name=path.name or str(path),
        report=folder.report(),
        claims=documents.claims,
        label_maps={each.id: each for each in documents.label_maps},
        answers=folder.predictions,
    )


def _write(path: Path, text: str) -> None:
    with disk.explained(path):
        disk.replace_text(path, text)


@cli.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=PATH)
@click.option("--out", type=PATH, help="Run folder for several runs merged into one.")
@options.THUMBNAILS
@click.option("--images", metavar="PATH", help="With --thumbnails: the runs' images; default: where they found them.")
def report(runs: tuple[Path, ...], out: Path | None, thumbnails: bool, images: str | None) -> int:
    """Write a run folder's reports again, judged by today's rules; several runs are merged into one report."""
    if images is not None and not thumbnails:
        raise UsageError("--images is for --thumbnails alone: reports are made again without any image")
    if out is None and len(runs) > 1:
        raise UsageError("--out is needed: several runs are merged into a folder of their own")
    folders = [RunFolder(path) for path in runs]
    if out is None:
        (folder,) = folders
        if damages := folder.damages():  # written over, report.json would lose what it says of these runs
            raise DamagedError(listing(f"{folder.path}: nothing was written, as answers cannot be believed", damages))
        stored, documents = folder.report(), folder.documents()
    else:
        folder = RunFolder(out)
        stored, documents = merge.merged(folders)
        merge.copy_answers(folders, stored.runs, folder)
    fresh = judged(stored, documents, folder)
    if out is not None:
        _show(fresh, documents, folder)
    pictures = of_report(folder, fresh, images) if thumbnails else NO_PICTURES
    judging.write(folder, fresh, documents, pictures)
    click.echo(f"written: {folder.path / 'report.md'}, report.html, report.json, *.csv, junit.xml")
    return NOT_RUN if out is not None and _damages(folders) else OK


@cli.command()
@click.argument("names", metavar="[FRAMEWORK]...", nargs=-1)
@options.QUIET
def setup(names: tuple[str, ...], quiet: bool) -> int:
    """Build the frameworks' environments (all, or those named)."""
    wanted = [framework(name) for name in names] or public_frameworks()
    for entry in wanted:
        built = environments.ensure(entry, Talk(quiet=quiet).say)
        click.echo(f"{entry.name}: {', '.join(f'{name} {version}' for name, version in built.versions.items())}")
    return OK


@cli.command("fetch")
@click.argument("pattern", metavar="[GLOB]", required=False)
@options.known_zoo("published", "published, or a folder.")
@options.QUIET
def fetch_(pattern: str | None, zoo: str, quiet: bool) -> int:
    """Download checkpoint files (all, or ids matching GLOB); kept only if size and hash are the published ones."""
    known, talk, code = load_zoo(zoo), Talk(quiet=quiet), OK
    for checkpoint in selection.checkpoints(known, pattern):
        if checkpoint.export_from:
            continue
        try:
            located = fetch.fetch(checkpoint, known, talk)
            click.echo(f"{checkpoint.id}: {', '.join(str(path) for path in located.paths)}")
        except FileUnavailableError as error:
            talk.warn(str(error))
            code = NOT_RUN
    return code


@cli.command("list")
@click.argument("what", type=click.Choice(tuple(catalogue.TABLES)))
@options.known_zoo("published")
def list_(what: str, zoo: str) -> int:
    """What is known: checkpoints, claims, recipes, frameworks, image sets."""
    console = Console(highlight=False)
    # Lists are searched with other programs: what does not go to a terminal is not folded.
    wide = console if console.is_terminal else Console(highlight=False, width=LIST_WIDTH)
    wide.print(catalogue.TABLES[what](load_zoo(zoo)))
    return OK


@cli.command("doctor")
@options.known_zoo("embedded")
def doctor_(zoo: str) -> int:
    """What is installed, reachable and missing, and the command that mends it."""
    findings = doctor.examine(load_zoo(zoo))
    _console().print(doctor.table(findings))
    return OK if all(finding.well for finding in findings) else NOT_RUN


@cli.command("audit")
@options.known_zoo("published")
@click.option("--format", "form", type=click.Choice(tuple(FORMATS)), default="text", show_default=True)
@click.option("--out", type=FILE, help="Write to this file; default: stdout.")
@click.option("--rules", metavar="C1,C204", default="", help="Only rules whose ids begin so.")
def audit_(zoo: str, form: str, out: Path | None, rules: str) -> int:
    """What the documents alone give away, and published files that are here: no images, no network."""
    known, prefixes = load_zoo(zoo), [prefix.strip() for prefix in rules.split(",") if prefix.strip()]
    found = audit(known, prefixes, look(known, prefixes, Talk().say))
    if out is None:
        click.echo(FORMATS[form](found), nl=False)
    else:
        _write(out, FORMATS[form](found))
        click.echo(found.headline())
    return exit_code((), found.verdicts)
