"""The logger and the metrics. Lines are JSON, contain ids, and never contain a phone number or a token.

docs/WATCHING.md lists the lines, their cost and the queries.
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

MAX_VALUES = 100
"""Values of one metric in one line. Source: CloudWatch embedded metric format. A batch has at most 100 messages."""


class MaskingFormatter(LambdaPowertoolsFormatter):
    """Masks every log line, including its keys and the texts of exceptions."""

    def __init__(self) -> None:
        super().__init__(json_default=lambda value: mask_text(str(value)), serialize_stacktrace=False)

    def serialize(self, log: Any) -> str:
        return super().serialize(masked(log))  # type: ignore[arg-type]


log = Logger(logger_formatter=MaskingFormatter())
"""POWERTOOLS_SERVICE_NAME sets the service of lines and metrics to the stack, so that two stages stay separate."""


@contextmanager
def log_context(**ids: object) -> Iterator[None]:
    """Add the ids to every line inside the block, including lines from threads."""
    with log.append_context_keys(**ids):
        yield


def add_log_keys(**ids: object) -> None:
    """Add the ids to every further line of this invocation."""
    log.append_keys(**ids)


def log_clients(event: str, client_ids: Sequence[int], **keys: object) -> None:
    """Log one line for many messages, which costs less than a line each. The text search ` 345 ` finds client 345."""
    if client_ids:
        clients = f" {' '.join(map(str, client_ids))} "
        log.info(event, extra={**keys, "number": len(client_ids), "clients": clients}, stacklevel=3)


def measure(
    counts: Mapping[str, int],
    milliseconds: Mapping[str, Sequence[float]] | None = None,
    levels: Mapping[str, float] | None = None,
    amounts: Mapping[str, float] | None = None,
) -> None:
    """Record CloudWatch metrics in one log line, by the embedded metric format, without an API call.

    A count or an amount of 0 is left out. `levels` have no unit, and are recorded also if they are 0.
    """
    metrics = {name: _metric(MetricUnit.Count, [number]) for name, number in counts.items() if number}
    for name, values in (milliseconds or {}).items():
        if values:
            metrics[name] = _metric(MetricUnit.Milliseconds, [round(value) for value in values[:MAX_VALUES]])
    for name, level in (levels or {}).items():
        metrics[name] = _metric(MetricUnit.NoUnit, [round(level)])
    metrics |= {name: _metric(MetricUnit.NoUnit, [amount]) for name, amount in (amounts or {}).items() if amount}
    if metrics:
        AmazonCloudWatchEMFProvider(metrics, namespace=NAMESPACE).flush_metrics()


def measure_gateway(name: str, amounts: Mapping[str, float]) -> None:
    """The same for one gateway: its metrics have its name as a second dimension. An amount of 0 is recorded too."""
    metrics = {metric: _metric(MetricUnit.NoUnit, [amount]) for metric, amount in amounts.items()}
    AmazonCloudWatchEMFProvider(metrics, dimension_set={"gateway": name}, namespace=NAMESPACE).flush_metrics()


def _metric(unit: MetricUnit, values: Sequence[float]) -> dict[str, Any]:
    return {"Unit": unit.value, "Value": values}
