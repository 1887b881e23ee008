"""The alarms: one entry each, and the resources that CloudFormation makes of them.

python -m infra.alarms        writes them into infra/stack.json; a test fails if the two differ

Each alarm has one metric: CloudWatch charges for the metrics of an alarm, so a formula of three costs as much as three
alarms. Every metric has a point each minute at most. docs/RELIABILITY.md says what to do about each alarm.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib.logs import NAMESPACE

STACK = Path(__file__).parent / "stack.json"
ALARM = "AWS::CloudWatch::Alarm"
AFTER = "AlarmsByEmail"
"""The resource of the template that the alarms follow."""


@dataclass(frozen=True)
class Metric:
    namespace: str
    name: str
    dimensions: dict[str, Any]
    statistic: str = "Sum"


def ours(name: str, statistic: str = "Sum") -> Metric:
    return Metric(NAMESPACE, name, {"service": {"Ref": "AWS::StackName"}}, statistic)


def of_function(function: str, name: str = "Errors") -> Metric:
    return Metric("AWS/Lambda", name, {"FunctionName": {"Ref": function}})


def of_queue(queue: str, name: str = "ApproximateAgeOfOldestMessage") -> Metric:
    return Metric("AWS/SQS", name, {"QueueName": {"Fn::GetAtt": [queue, "QueueName"]}}, "Maximum")


def of_api(name: str) -> Metric:
    return Metric("AWS/ApiGateway", name, {"ApiName": {"Ref": "AWS::StackName"}, "Stage": "api"})


@dataclass(frozen=True)
class Alarm:
    """It goes off if in `within` minutes, `minutes` of them are above the threshold, or below it if `is_low`.

    Minutes without data are no reason, unless `watches_silence`: then their beginning is. An alarm on silence does not
    go off at the first deploy, because it begins without data. `condition`: only stacks that fulfil it have the alarm.
    """

    text: str
    metric: Metric
    threshold: int = 0
    minutes: int = 1
    within: int | None = None
    is_low: bool = False
    watches_silence: bool = False
    condition: str | None = None

    def resource(self) -> dict[str, Any]:
        topic = [{"Ref": "Alarms"}]
        properties = {
            "AlarmDescription": f"{self.text} (docs/RELIABILITY.md#alarms)",
            "Namespace": self.metric.namespace,
            "MetricName": self.metric.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in self.metric.dimensions.items()],
            "Statistic": self.metric.statistic,
            "Period": 60,
            "EvaluationPeriods": self.within or self.minutes,
            "DatapointsToAlarm": self.minutes,
            "Threshold": self.threshold,
            "ComparisonOperator": "LessThanThreshold" if self.is_low else "GreaterThanThreshold",
            "TreatMissingData": "missing" if self.watches_silence else "notBreaching",
            "AlarmActions": topic,
            "OKActions": topic,
        }
        properties |= {"InsufficientDataActions": topic} if self.watches_silence else {}
        condition = {"Condition": self.condition} if self.condition else {}
        return {"Type": ALARM, **condition, "Properties": properties}


def _errors(function: str, log: str, condition: str | None = None) -> Alarm:
    """A queue message whose invocation fails comes back after up to 2.5 minutes, so not every minute has an error."""
    text = f"Invocations of {log} fail again and again: read its log"
    return Alarm(text, of_function(function), minutes=3, within=10, condition=condition)


ALARMS = {
    "NothingSentAlarm": Alarm(
        "For five minutes posts failed or were held back, and no message was sent: ask the owner of the gateway",
        ours("BatchSucceeded", "Maximum"),
        threshold=1,
        minutes=5,
        is_low=True,
    ),
    "SilenceAlarm": Alarm(
        "A running mailing with messages to post has made no progress for over half an hour: see the other alarms, "
        "the log and the send queue",
        ours("SilentSeconds", "Maximum"),
        threshold=1800,
        minutes=5,
    ),
    "MailingPausedAlarm": Alarm(
        "The service has paused a mailing, because its canary failed, a limit on its cost is reached, or the gateway "
        "gives no clear answers or refuses everything: read the reason in the console, then resume or cancel it",
        ours("PausedMailings", "Maximum"),
    ),
    "GatewayRefusedTokenAlarm": Alarm(
        "The gateway refuses the token: nothing is sent until the token is renewed", ours("GatewayRefusedToken")
    ),
    "InsufficientBalanceAlarm": Alarm(
        "The balance at the gateway is used up: nothing is sent until it is topped up", ours("InsufficientBalance")
    ),
    "LowBalanceAlarm": Alarm(
        "A balance is below BALANCE_ALARM: see in the console at which gateway, and top it up before nothing is sent",
        ours("LowBalances", "Maximum"),
        within=15,
        condition="BalancesAreAsked",
    ),
    "SenderErrorsAlarm": Alarm(
        "Messages meet errors of the service, such as a throttled table: look for `message not handled` in the log of "
        "send_messages",
        ours("SenderErrors"),
        minutes=3,
    ),
    "JobErrorsAlarm": Alarm(
        "For over ten minutes jobs or imports have found a table or a queue throttled or failing: look for "
        "`job not done` and `import not written` in the logs of run_jobs and import_clients",
        ours("JobErrors"),
        minutes=10,
        within=15,
    ),
    "SendMessagesErrorsAlarm": _errors("SendMessages", "send_messages"),
    "RunJobsErrorsAlarm": _errors("RunJobs", "run_jobs"),
    "ImportClientsErrorsAlarm": _errors("ImportClients", "import_clients"),
    "SettleReceiptsErrorsAlarm": _errors("SettleReceipts", "settle_receipts", "ReceiptsAreExpected"),
    "CopyAuditErrorsAlarm": _errors("CopyAudit", "copy_audit", "HasAuditCopy"),
    "TokenAuthErrorsAlarm": Alarm(
        "The authorizer fails, so the API refuses valid tokens: read the log of token_auth",
        of_function("TokenAuth"),
        minutes=3,
        within=5,
    ),
    "ApiErrorsAlarm": Alarm(
        "The API or the console answers 5xx: read the logs of api_handler and token_auth",
        of_api("5XXError"),
        minutes=3,
        within=5,
    ),
    "JobsQueueAgeAlarm": Alarm(
        "Starts, slices or reconciliations have waited for over ten minutes: see the concurrency of the account and "
        "the log of run_jobs",
        of_queue("JobsQueue"),
        threshold=600,
        minutes=5,
    ),
    "ImportsQueueAgeAlarm": Alarm(
        "An import has waited for over an hour: see the other imports and the log of import_clients",
        of_queue("ImportsQueue"),
        threshold=3600,
        minutes=5,
    ),
    "ReceiptsQueueAgeAlarm": Alarm(
        "Delivery receipts have waited for over ten minutes: see the concurrency of the account and the log of "
        "settle_receipts",
        of_queue("ReceiptsQueue"),
        threshold=600,
        minutes=5,
        condition="ReceiptsAreExpected",
    ),
    "DeadLettersAlarm": Alarm(
        "Queue messages could not be read, or were received 1,000 times without success: read the log, remove the "
        "cause, redrive them",
        of_queue("DeadLetters", "ApproximateNumberOfMessagesVisible"),
    ),
    "SweepAlarm": Alarm(
        "INSUFFICIENT_DATA means that the sweep has not run for over five minutes; late starts, ends and stalled work "
        "wait for it: see the concurrency of the account and the rule of the sweep",
        of_function("Sweep", "Invocations"),
        threshold=1,
        minutes=5,
        is_low=True,
        watches_silence=True,
    ),
    "SweepErrorsAlarm": Alarm("Invocations of sweep fail: read its log", of_function("Sweep"), minutes=3),
    "ReportErrorsAlarm": Alarm(
        "The daily report was not sent: read the log of send_report, then send it by hand",
        of_function("SendReport"),
        condition="ReportIsSent",
    ),
}


def main() -> None:
    template = json.loads(STACK.read_text(encoding="utf-8"))
    resources: dict[str, Any] = {}
    for name, resource in template["Resources"].items():
        if resource.get("Type") != ALARM:
            resources[name] = resource
        if name == AFTER:
            resources |= {alarm: one.resource() for alarm, one in ALARMS.items()}
    template["Resources"] = resources
    STACK.write_text(json.dumps(template, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
