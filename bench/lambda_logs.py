"""The log of an invocation on Lambda, and the bytes that CloudWatch charges for it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from chalicelib.logs import log
from infra.local.doubles.aws import STACK_NAME

REQUEST_ID = "0e7b6a52-3c0f-4d6a-9a50-8a1f6f3f2f10"
PLATFORM_LINES = (
    f"START RequestId: {REQUEST_ID} Version: $LATEST",
    f"END RequestId: {REQUEST_ID}",
    f"REPORT RequestId: {REQUEST_ID}\tDuration: 1234.56 ms\tBilled Duration: 1235 ms\tMemory Size: 512 MB\t"
    "Max Memory Used: 123 MB",
)
"""The lines that Lambda itself logs for an invocation: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html"""

LINE_OVERHEAD = 26
"""Bytes that are charged in addition to each line:
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html"""

PLATFORM_BYTES = sum(len(line) + 1 + LINE_OVERHEAD for line in PLATFORM_LINES)


def charged_bytes(output: str) -> int:
    return sum(len(line.encode()) + LINE_OVERHEAD for line in output.splitlines())


def log_as(function: str) -> None:
    """Write the next lines as this Lambda does."""
    log.clear_state()
    log.append_keys(function=f"{STACK_NAME}-{function}", request_id=REQUEST_ID)


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Collect the lines of the log, and those of the metrics, which are printed."""
    output, level = io.StringIO(), log.log_level
    before = log.registered_handler.setStream(output)  # type: ignore[attr-defined]
    log.setLevel("INFO")
    try:
        with redirect_stdout(output):
            yield output
    finally:
        log.setLevel(level)
        log.registered_handler.setStream(before)  # type: ignore[attr-defined]
        log.clear_state()
