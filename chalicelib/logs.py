"""The logger and the metrics: JSON lines that name mailing, message and client, and never a phone number or a token.

docs/WATCHING.md says what is in them, what they cost and how to ask for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from .domain.masking import mask_text, masked

NAMESPACE = "Notifications"

MOST_VALUES = 100
"""Of one metric in one line (CloudWatch's embedded metric format); a batch has no more messages than that."""


class MaskingFormatter(LambdaPowertoolsFormatter):
    """The one way out of the process for every line, its keys and the texts of its exceptions."""

    def __init__(self) -> None:
        super().__init__(json_default=lambda value: mask_text(str(value)), serialize_stacktrace=False)

    def serialize(self, log: Any) -> str:
        return super().serialize(masked(log))  # type: ignore[arg-type]


log = Logger(logger_formatter=MaskingFormatter())
"""Its service is the stack, by POWERTOOLS_SERVICE_NAME, and so is that of the metrics: two stages do not mix."""


@contextmanager
def log_context(**ids: object) -> Iterator[None]:
    """Every line within names them, also those of threads: an invocation is about one thing at a time."""
    with log.append_context_keys(**ids):
        yield


def add_log_keys(**ids: object) -> None:
    """Every further line of this invocation names them."""
    log.append_keys(**ids)


def log_clients(event: str, client_ids: Sequence[int], **known: object) -> None:
    """One line for what became of many messages, in which ` 345 ` is found; a line for each would cost more."""
    if client_ids:
        clients = f" {' '.join(map(str, client_ids))} "
        log.info(event, extra={**known, "number": len(client_ids), "clients": clients}, stacklevel=3)


def measure(counts: Mapping[str, int], milliseconds: Mapping[str, Sequence[float]] | None = None) -> None:
    """CloudWatch metrics by the embedded metric format: one line in the log for all of them, and no call."""
    metrics = {name: _metric(MetricUnit.Count, [number]) for name, number in counts.items() if number}
    for name, values in (milliseconds or {}).items():
        if values:
            metrics[name] = _metric(MetricUnit.Milliseconds, [round(value) for value in values[:MOST_VALUES]])
    if metrics:
        AmazonCloudWatchEMFProvider(metrics, namespace=NAMESPACE).flush_metrics()


def _metric(unit: MetricUnit, values: Sequence[int]) -> dict[str, Any]:
    return {"Unit": unit.value, "Value": values}
