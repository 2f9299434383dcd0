"""The command line: each command parses and calls its action.

Actions are imported when a command runs: `--help`, and completion in a shell, should not wait for what they need.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import shell_complete

from zoo import __version__
from zoo.cli import options
from zoo.cli.options import FILE, PATH
from zoo.ending.exit_codes import EXIT_CODES, NOT_RUN, WRONG_USE
from zoo.ending.streams import OutputError
from zoo.errors import ManifestError, RunFolderError, UsageError, ZooError
from zoo.jobs.request import BenchRequest, Request

PROGRAM, COMPLETION = "zoo", "_ZOO_COMPLETE"  # the variable is click's, for completion by a shell
HELP_WIDTH = 100
# What is listed, and how an audit is written; `zoo.cli.catalogue` and `zoo.report.audit` say how each is made.
LISTS = ("checkpoints", "claims", "sample-answers", "recipes", "frameworks", "image-sets")
AUDIT_FORMATS = ("text", "md", "html", "csv", "json", "junit")


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": HELP_WIDTH},
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
        _tell(error)
        return WRONG_USE
    except ZooError as error:
        _tell(error)
        return NOT_RUN


def _tell(error: ZooError) -> None:
    from zoo.report.text import clean

    click.echo(f"zoo: {clean(str(error))}", err=True)


@cli.command()
@options.chosen("run")
@options.IMAGES
@click.option(
    "--sample",
    metavar="N|auto",
    callback=options.sample_size,
    help="N images, drawn by id; auto: in random order, until all is decided.",
)
@click.option(
    "--reference",
    metavar="RUN|FILE|ID|auto|none",
    default=Request().reference,
    help="With --sample auto: whose answers to all images are known; auto: the nearest relative that has any.",
)
@click.option("--more-labels", metavar="FILE", help="Count again by these labels of the images, such as real.json.")
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
@options.margins(options.DEFAULTS)
@options.THUMBNAILS
@click.option("--diagnose", is_flag=True, help="Look for the cause of what is refuted, failed or makes no sense.")
@options.OUT
@click.option("--resume", type=PATH, help="Complete this run folder; no other options.")
@click.option("--fresh", is_flag=True, help="Compute and read again what is remembered.")
@options.QUIET
def validate(out: Path | None, resume: Path | None, fresh: bool, quiet: bool, **arguments: Any) -> int:
    """The main job: evaluate checkpoints and judge their documented accuracy."""
    from zoo.cli import actions

    request = Request(**arguments)
    if request.reference != Request().reference and request.sample != "auto":
        raise UsageError("--reference is for --sample auto alone: other samples do not depend on what is known")
    if resume is None:
        return actions.validate(request, out, fresh=fresh, quiet=quiet)
    if out is not None or request != Request():
        raise UsageError("--resume takes its options from the run folder; give no others with it")
    return actions.resume(resume, fresh=fresh, quiet=quiet)


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
    from zoo.cli import actions

    return actions.bench(BenchRequest(**arguments), out, quiet=quiet)


@cli.command("diagnose")
@click.argument("run", metavar="[RUN]", type=PATH, required=False)
@click.argument("subject", metavar="[SUBJECT]", required=False)
@options.chosen("explain")
@options.IMAGES
@options.RECIPE
@click.option("--numeric", metavar="ID", help="Numeric steps in place of the checkpoint's own.")
@options.ARITHMETIC
@click.option("--sample", metavar="N", type=click.IntRange(1), help="N images, drawn by id.")
@click.option("--reference", metavar="RUN|ID", help="A run folder or a checkpoint that is known to be right.")
@click.option(
    "--looks", metavar="A,B", callback=options.words, help="Only these: answers, file, repeats, layers, recipes."
)
@options.OUT
@options.QUIET
def diagnose_(
    run: Path | None,
    subject: str | None,
    reference: str | None,
    looks: tuple[str, ...] | None,
    out: Path | None,
    quiet: bool,
    **arguments: Any,
) -> int:
    """Why the numbers of a run differ from the documented ones, and what to change.

    RUN: a run folder; SUBJECT: one of its runs, checkpoint@framework, or a shell pattern. Without SUBJECT, every run
    that is refuted, failed or makes no sense is explained. Without RUN, the checkpoints are run first. The exit code is
    that of the run.
    """
    from zoo.cli import actions

    request = Request(**arguments)
    if run is None:
        return actions.diagnose(request, out, reference, looks, quiet=quiet)
    images, labels = request.images, request.labels
    if out is not None or request != Request(images=images, labels=labels):
        raise UsageError(
            "a run folder has its own options; with RUN give only --images, --labels, --reference, --looks"
        )
    return actions.explain(run, subject, reference, looks, images, labels, quiet=quiet)


@cli.command("plan")
@click.argument("pattern", metavar="GLOB")
@options.known_zoo("published")
@options.TOLERANCE
@click.option("--sample", metavar="N", type=click.IntRange(1), help="Also how likely N images decide it.")
@click.option("--reference", metavar="FILE|RUN", type=PATH, help="With --sample auto and a relative's known answers.")
def plan_(pattern: str, zoo: str, tolerance: float | None, sample: int | None, reference: Path | None) -> int:
    """How many images decide a claim; GLOB: ids of claims or of checkpoints. Needs no images.

    Two numbers each: images that decide with a probability of 80 % and of 95 %.
    """
    from zoo.cli import actions

    if reference is not None and sample is not None:
        raise UsageError("--reference is about --sample auto, and --sample N about samples of a fixed size; give one")
    return actions.plan(pattern, zoo, tolerance, sample, reference)


@cli.command("compare")
@click.argument("run", type=PATH)
@click.argument("other", metavar="[RUN]", type=PATH, required=False)
@click.option("--html", "page", type=FILE, help="Also write a page (two runs).")
@options.margins(None)
def compare_(run: Path, other: Path | None, page: Path | None, **limits: float | None) -> int:
    """What changed from one run to another; 1 if a verdict worsened. One RUN: judge it again by today's rules."""
    from zoo.cli import actions

    margins = {name: value for name, value in limits.items() if value is not None}
    if other is not None:
        return actions.compare(run, other, page, margins)
    if page is not None:
        raise UsageError("--html shows two runs; one run has its report.html, which `zoo report RUN` writes again")
    return actions.judge_again(run, margins)


@cli.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=PATH)
@click.option("--out", type=PATH, help="Run folder for several runs merged into one.")
@options.THUMBNAILS
@click.option("--images", metavar="PATH", help="With --thumbnails: the runs' images; default: where they found them.")
def report(runs: tuple[Path, ...], out: Path | None, thumbnails: bool, images: str | None) -> int:
    """Write a run folder's reports again, judged by today's rules; several runs are merged into one report."""
    from zoo.cli import actions

    if images is not None and not thumbnails:
        raise UsageError("--images is for --thumbnails alone: reports are made again without any image")
    if out is None and len(runs) > 1:
        raise UsageError("--out is needed: several runs are merged into a folder of their own")
    return actions.report(runs, out, images, thumbnails=thumbnails)


@cli.group("answers")
def answers_() -> None:
    """What a run answered, as a file that serves others: it has no image and no score, so it may be published."""


@answers_.command("export")
@click.argument("run", type=PATH)
@click.argument("subject", metavar="[SUBJECT]", required=False)
@click.option("--out", type=FILE, help="Write to this file; default: SUBJECT.answers.npz in the current folder.")
def export_(run: Path, subject: str | None, out: Path | None) -> int:
    """Write the answers of a run on a whole population, for `zoo validate --sample auto --reference FILE`.

    RUN: a run folder; SUBJECT: one of its runs, checkpoint@framework, a shell pattern, or how the run's key begins.
    """
    from zoo.cli import actions

    return actions.export_answers(run, subject, out)


@cli.command()
@click.argument("names", metavar="[FRAMEWORK]...", nargs=-1)
@options.QUIET
def setup(names: tuple[str, ...], quiet: bool) -> int:
    """Build the frameworks' environments (all, or those named)."""
    from zoo.cli import actions

    return actions.setup(names, quiet=quiet)


@cli.command("fetch")
@click.argument("pattern", metavar="[GLOB]", required=False)
@options.known_zoo("published", "published, or a folder.")
@options.QUIET
def fetch_(pattern: str | None, zoo: str, quiet: bool) -> int:
    """Download checkpoint files (all, or ids matching GLOB), and the inputs of their sample answers.

    They are kept only if size and hash are the published ones.
    """
    from zoo.cli import actions

    return actions.fetch(pattern, zoo, quiet=quiet)


@cli.command("list")
@click.argument("what", type=click.Choice(LISTS))
@options.known_zoo("published")
def list_(what: str, zoo: str) -> int:
    """What is known: checkpoints, claims, sample answers, recipes, frameworks, image sets."""
    from zoo.cli import actions

    return actions.list_known(what, zoo)


@cli.command("doctor")
@options.known_zoo("embedded")
def doctor_(zoo: str) -> int:
    """What is installed, reachable and missing, and the command that mends it."""
    from zoo.cli import actions

    return actions.examine(zoo)


@cli.command("audit")
@options.known_zoo("published")
@click.option("--format", "form", type=click.Choice(AUDIT_FORMATS), default="text", show_default=True)
@click.option("--out", type=FILE, help="Write to this file; default: stdout.")
@click.option("--rules", metavar="C1,C204", default="", help="Only rules whose ids begin so.")
def audit_(zoo: str, form: str, out: Path | None, rules: str) -> int:
    """What the documents alone give away, and published files that are here: no images, no network."""
    from zoo.cli import actions

    prefixes = [prefix.strip() for prefix in rules.split(",") if prefix.strip()]
    return actions.audit(zoo, form, out, prefixes)
