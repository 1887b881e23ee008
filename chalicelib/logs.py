"""The logger and the metrics: JSON lines, with mailing, message and client ids, and never a phone number."""

from __future__ import annotations

from collections.abc import Mapping

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

log = Logger()
"""Its service is the stack, by POWERTOOLS_SERVICE_NAME, so that two stages in one account do not mix."""


def count(numbers: Mapping[str, int]) -> None:
    """CloudWatch metrics by the embedded metric format: one line in the log for all of them, and no call."""
    counted = {name: number for name, number in numbers.items() if number}
    if not counted:
        return
    metrics = EphemeralMetrics(namespace="Notifications")
    for name, number in counted.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=number)
    metrics.flush_metrics()
