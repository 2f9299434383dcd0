"""`zoo`, also `python -m zoo`: errors become one message on stderr and an exit code."""

from __future__ import annotations

import sys

import click

from zoo.cli import cli
from zoo.errors import ManifestError, RunFolderError, UsageError, ZooError
from zoo.judge import NOT_RUN, WRONG_USE

INTERRUPTED = 130  # what shells give a program that Ctrl-C ended


def main() -> None:
    """Run the command line and exit: 0 conforms, 1 deviates, 2 wrong use, 3 something could not be run."""
    try:
        sys.exit(cli.main(standalone_mode=False, prog_name="zoo"))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except (UsageError, ManifestError, RunFolderError) as error:
        print(f"zoo: {error}", file=sys.stderr)
        sys.exit(WRONG_USE)
    except ZooError as error:
        print(f"zoo: {error}", file=sys.stderr)
        sys.exit(NOT_RUN)


if __name__ == "__main__":
    main()
