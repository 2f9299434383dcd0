"""Every exit code of the program, and its meaning."""

from __future__ import annotations

import os
import signal

OK, DEVIATES, WRONG_USE, NOT_RUN = 0, 1, 2, 3
UNFORESEEN = os.EX_SOFTWARE  # 70; sysexits.h calls it an internal software error
# As a shell counts a program that this signal ended.
INTERRUPTED, OUTPUT_CLOSED, TERMINATED = (128 + each for each in (signal.SIGINT, signal.SIGPIPE, signal.SIGTERM))

EXIT_CODES = {
    OK: "nothing refuted or failed",
    DEVIATES: "something refuted or failed",
    WRONG_USE: "wrong use",
    NOT_RUN: "something that was asked for could not be run",
    UNFORESEEN: "an error that nobody foresaw (one line names the file with its traceback)",
    INTERRUPTED: "interrupted (Ctrl-C)",
    OUTPUT_CLOSED: "nobody reads the output any more (as with `head`)",
    TERMINATED: "ended by SIGTERM",
}
