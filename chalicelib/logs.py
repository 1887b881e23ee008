"""The logger and the metrics: JSON lines, with mailing, message and client ids, and never a phone number."""

from __future__ import annotations

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

log = Logger(service="notifications", log_uncaught_exceptions=False)

NAMESPACE = "Notifications"


def count(name: str, number: float = 1) -> None:
    """A CloudWatch metric by the embedded metric format: a line in the log, no call."""
    with single_metric(name=name, unit=MetricUnit.Count, value=number, namespace=NAMESPACE) as metric:
        metric.add_dimension(name="service", value="notifications")
