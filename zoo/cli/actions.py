"""What each command does: one library call, its result printed, an exit code."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from zoo import disk
from zoo.checkpoints.fetch import fetch as fetch_checkpoint
from zoo.checkpoints.fetch import fetch_file
from zoo.cli import catalogue, doctor
from zoo.cli import plan as planned
from zoo.documents.load import Zoo, load_zoo
from zoo.ending.exit_codes import DEVIATES, NOT_RUN, OK
from zoo.errors import DamagedError, FileUnavailableError, UsageError, listing
from zoo.frameworks import environments
from zoo.frameworks.table import framework, public_frameworks
from zoo.jobs import audit as audits
from zoo.jobs import judging, references
from zoo.jobs.bench import Bench
from zoo.jobs.compare import between
from zoo.jobs.judging import NO_PICTURES, judged
from zoo.jobs.request import BenchRequest, Request
from zoo.jobs.thumbnails import of_report
from zoo.jobs.validate import Validation
from zoo.measure import selection
from zoo.progress import Talk
from zoo.records import Checkpoint, Documents, Report
from zoo.report import changes as report_of_changes
from zoo.report import terminal
from zoo.report.audit import FORMATS
from zoo.report.text import counted
from zoo.rules.judge import exit_code
from zoo.runs import changes, merge
from zoo.runs.folder import RunFolder

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


# --- measuring -----------------------------------------------------------------------------------


def validate(request: Request, out: Path | None, *, fresh: bool, quiet: bool) -> int:
    """Evaluate and judge. out: run folder; None for a new one. fresh: use nothing that is remembered."""
    return _executed(Validation(request, _folder(out), Talk(quiet=quiet), fresh=fresh), explained=request.diagnose)


def resume(path: Path, *, fresh: bool, quiet: bool) -> int:
    """Complete a run folder."""
    folder = RunFolder(path)
    request = folder.request(Request)
    return _executed(Validation(request, folder, Talk(quiet=quiet), fresh=fresh), explained=request.diagnose)


def bench(request: BenchRequest, out: Path | None, *, quiet: bool) -> int:
    """Time and judge. out: run folder; None for a new one."""
    return _executed(Bench(request, _folder(out), Talk(quiet=quiet)))


def _folder(out: Path | None) -> RunFolder:
    return RunFolder(out if out is not None else RunFolder.fresh_path())


def _executed(job: Validation | Bench, *, explained: bool = False) -> int:
    job.folder.create(job.request.to_json())
    report, documents = job.execute()
    if explained:
        from zoo.jobs.diagnose import Diagnosing, Wanted  # SciPy and all looks: only where a cause is asked for

        report = Diagnosing(job.folder, Wanted(), job.talk).execute()
    _show(report, documents, job.folder)
    return _exit_code(report)


def diagnose(
    request: Request, out: Path | None, reference: str | None, looks: tuple[str, ...] | None, *, quiet: bool
) -> int:
    """Evaluate, judge, and explain every run. reference, looks: see `Wanted`."""
    from zoo.jobs.diagnose import Diagnosing, Wanted

    job = Validation(request, _folder(out), Talk(quiet=quiet))
    job.folder.create(request.to_json())
    _, documents = job.execute()
    report = Diagnosing(job.folder, Wanted("*", reference, looks), job.talk).execute()
    _show(report, documents, job.folder)
    return _exit_code(report)


def explain(
    path: Path,
    subject: str | None,
    reference: str | None,
    looks: tuple[str, ...] | None,
    images: str | None,
    labels: str | None,
    *,
    quiet: bool,
) -> int:
    """Explain runs of a run folder; see `Wanted`."""
    from zoo.jobs.diagnose import Diagnosing, Wanted

    folder = RunFolder(path)
    job = Diagnosing(folder, Wanted(subject, reference, looks, images, labels), Talk(quiet=quiet))
    report = job.execute()
    if not job.chosen:
        click.echo("nothing is refuted, failed or makes no sense; name a run to have it looked at all the same")
    _show(report, folder.documents(), folder)
    return _exit_code(report)


def _exit_code(report: Report) -> int:
    return exit_code(report.runs, report.verdicts, report.latencies, report.samples)


# --- run folders ---------------------------------------------------------------------------------


def compare(run: Path, other: Path, page: Path | None, margins: Mapping[str, float]) -> int:
    """What changed between two run folders. page: a file for it as HTML; margins: fractions, by their field's name."""
    changed = changes.compare(_side(run), _side(other))
    console = _console()
    for part in report_of_changes.terminal(changed):
        console.print()
        console.print(part, soft_wrap=isinstance(part, Text))
    if paired := between(RunFolder(run), RunFolder(other), margins):
        console.print(f"\nImage by image:\n{terminal.sentences(paired)}", markup=False)
    if page is not None:
        _write(page, report_of_changes.to_html(changed))
        click.echo(f"Page: {page}")
    damages = _damages((RunFolder(run), RunFolder(other)))
    return NOT_RUN if damages else DEVIATES if changed.worsened else OK


def judge_again(run: Path, margins: Mapping[str, float]) -> int:
    """Judge a run folder by today's rules; nothing is written. margins: those that are not the folder's own."""
    folder = RunFolder(run)
    stored, documents = folder.report(), folder.documents()
    report = judged(stored.changed(conditions=stored.conditions.changed(**margins)), documents, folder)
    _show(report, documents, folder)
    changed = changes.count_differing(stored.verdicts, report.verdicts)
    verb = "differs" if changed == 1 else "differ"
    click.echo(f"{counted(changed, 'verdict')} {verb} from what is stored" if changed else "the stored verdicts stand")
    return _exit_code(report)


def report(runs: Sequence[Path], out: Path | None, images: str | None, *, thumbnails: bool) -> int:
    """Write the reports of one run folder again, or of several as one in `out`. images: where thumbnails are from."""
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


def export_answers(run: Path, subject: str | None, out: Path | None) -> int:
    """Write the file of answers of one run. subject: see `references.of_folder`; out: None for a name of its own."""
    found = references.of_folder(RunFolder(run), subject)
    if len(found) > 1:
        lines = [f"{each.subject} on {each.population}, run {each.run:.12}" for each in found]
        raise UsageError(listing(f"{run}: it has several runs; name one, or how its key begins", lines))
    (reference,) = found
    path = out if out is not None else Path(f"{reference.subject.replace('/', '-')}.answers.npz")
    with disk.explained(path):
        disk.replace(path, reference.write)
    click.echo(f"written: {path}, {counted(len(reference.stems), 'answer')} in {path.stat().st_size:,} bytes")
    click.echo(f"sha256 of the answers: {reference.digest}")
    click.echo(f"use: zoo validate --sample auto --reference {shlex.quote(str(path))}")
    return OK


def _damages(folders: Iterable[RunFolder]) -> list[str]:
    """What in run folders cannot be believed; it is said, and judged as what could not be run."""
    sentences = [sentence for folder in folders for sentence in folder.damages()]
    for sentence in sentences:
        Talk().warn(sentence)
    return sentences


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


# --- what is there -------------------------------------------------------------------------------


def setup(names: Sequence[str], *, quiet: bool) -> int:
    """Build the environments of these frameworks; of all where none is named."""
    wanted = [framework(name) for name in names] or public_frameworks()
    for entry in wanted:
        built = environments.ensure(entry, Talk(quiet=quiet).say)
        click.echo(f"{entry.name}: {', '.join(f'{name} {version}' for name, version in built.versions.items())}")
    return OK


def fetch(pattern: str | None, zoo: str, *, quiet: bool) -> int:
    """Download what checkpoints and their sample answers need."""
    known, talk, code = load_zoo(zoo), Talk(quiet=quiet), OK
    for checkpoint in selection.checkpoints(known, pattern):
        if checkpoint.export_from:
            continue
        wanted: list[Callable[[], object]] = [partial(_checkpoint_files, checkpoint, known, talk)]
        wanted += [partial(fetch_file, checkpoint.id, file, known, talk) for file in known.sample_files(checkpoint.id)]
        for fetched in wanted:
            try:
                click.echo(f"{checkpoint.id}: {fetched()}")
            except FileUnavailableError as error:
                talk.warn(str(error))
                code = NOT_RUN
    return code


def _checkpoint_files(checkpoint: Checkpoint, zoo: Zoo, talk: Talk) -> str:
    return ", ".join(str(path) for path in fetch_checkpoint(checkpoint, zoo, talk).paths)


def list_known(what: str, zoo: str) -> int:
    """Print one of `catalogue.TABLES`."""
    console = Console(highlight=False)
    # Lists are searched with other programs: what does not go to a terminal is not folded.
    wide = console if console.is_terminal else Console(highlight=False, width=LIST_WIDTH)
    wide.print(catalogue.TABLES[what](load_zoo(zoo)))
    return OK


def examine(zoo: str) -> int:
    """Print what is installed, reachable and missing."""
    findings = doctor.examine(load_zoo(zoo))
    _console().print(doctor.table(findings))
    return OK if all(finding.well for finding in findings) else NOT_RUN


# --- documents -----------------------------------------------------------------------------------


def plan(pattern: str, zoo: str, tolerance: float | None, sample: int | None, reference: Path | None) -> int:
    """Print how many images decide claims. tolerance: fraction; None for what was measured; reference: of answers."""
    known = load_zoo(zoo)
    claims = planned.chosen(known, pattern)
    if reference is None:
        table, legend = planned.table(known, claims, tolerance, sample), planned.LEGEND
    else:
        table, legend = planned.table_with(known, claims, tolerance, planned.answers_of(reference)), planned.LEGEND_WITH
    _console().print(table)
    click.echo(legend)
    return OK


def audit(zoo: str, form: str, out: Path | None, rules: Sequence[str]) -> int:
    """Audit documents. form: one of `FORMATS`; out: a file, None for stdout; rules: how their ids begin."""
    known = load_zoo(zoo)
    found = audits.audit(known, rules, audits.look(known, rules, Talk().say))
    if out is None:
        click.echo(FORMATS[form](found), nl=False)
    else:
        _write(out, FORMATS[form](found))
        click.echo(found.headline())
    return exit_code((), found.verdicts)
