"""`zoo`, also `python -m zoo`: turns what happens into an exit code and, if it is not a verdict, one message."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn

from zoo.ending import exit_codes, streams, unforeseen


class _Terminated(KeyboardInterrupt):
    """SIGTERM: ends a run as Ctrl-C does, so that its worker ends and its folder is completed."""


def main() -> NoReturn:
    """Run the command line and exit with one of `exit_codes.EXIT_CODES`."""
    streams.guard()
    unforeseen.watch()
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # unless it is to be ignored
        signal.signal(signal.SIGTERM, _terminate)
    code = _ended()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a Ctrl-C while Python ends would print a traceback
    sys.exit(exit_codes.UNFORESEEN if unforeseen.seen() else code)


def _ended() -> int:
    try:
        from zoo.cli import run  # here: what goes wrong while it loads, or a Ctrl-C, is told like anything else

        code = run(sys.argv[1:])
        sys.stdout.flush()
        return code
    except _Terminated:
        print("ended by SIGTERM", file=sys.stderr)
        return exit_codes.TERMINATED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return exit_codes.INTERRUPTED
    except streams.OutputClosedError:
        return exit_codes.OUTPUT_CLOSED
    except streams.OutputError as error:
        print(f"zoo: {error}", file=sys.stderr)
        return exit_codes.NOT_RUN
    except (Exception, SystemExit) as error:  # no command ends by SystemExit: whoever raises it is a stranger
        unforeseen.tell(error)
        return exit_codes.UNFORESEEN


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise _Terminated


if __name__ == "__main__":
    main()
