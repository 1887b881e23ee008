"""A double of CloudWatch: metrics by the minute, and metric alarms that are evaluated each minute as AWS documents it.

MiniStack evaluates alarms too, but not on the data points that are missing. Source: Amazon CloudWatch User Guide,
"Configuring how CloudWatch alarms treat missing data", whose tables a test repeats. It does not say how many more data
points than EvaluationPeriods an alarm retrieves; its examples have two more, and so has this double.
"""

from __future__ import annotations

import json
import operator
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"
MORE_POINTS = 2
COMPARE = {"GreaterThanThreshold": operator.gt, "LessThanThreshold": operator.lt}
STATISTICS = {"Sum": sum, "Maximum": max}
ACTIONS = {OK: "OKActions", ALARM: "AlarmActions", INSUFFICIENT: "InsufficientDataActions"}

Point = float | None
"""The statistic of one period; None if it has no data."""
Series = tuple[str, str, frozenset[tuple[str, str]]]
"""The namespace, the name and the dimensions of a metric."""


def next_state(alarm: Mapping[str, Any], points: Sequence[Point], state: str) -> str:
    """The state of an alarm after the evaluation of these points, the latest last."""
    periods = alarm["EvaluationPeriods"]
    needed = alarm.get("DatapointsToAlarm", periods)
    compare = COMPARE[alarm["ComparisonOperator"]]
    recent = list(points)[-periods - MORE_POINTS :]
    real = [compare(point, alarm["Threshold"]) for point in recent if point is not None][-periods:]
    treatment, missing = alarm.get("TreatMissingData", "missing"), periods - len(real)
    if not real:
        return {"missing": INSUFFICIENT, "ignore": state, "breaching": ALARM, "notBreaching": OK}[treatment]
    if sum(real) + (missing if treatment == "breaching" else 0) >= needed:
        return ALARM
    if treatment in ("breaching", "notBreaching") or not all(real):
        return OK
    oldest = next(len(recent) - index for index, point in enumerate(recent) if point is not None)
    return (ALARM if treatment == "missing" else state) if oldest >= needed else OK


@dataclass
class CloudWatch:
    """`alarms`: the properties of each alarm by its name, with logical names as the values of their dimensions.

    `notifications`: the time, the alarm and its new state, for each change that the alarm has an action for.
    """

    alarms: Mapping[str, Mapping[str, Any]]
    states: dict[str, str] = field(default_factory=dict)
    notifications: list[tuple[datetime, str, str]] = field(default_factory=list)
    points: dict[Series, dict[int, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))

    def __post_init__(self) -> None:
        self.states = dict.fromkeys(self.alarms, INSUFFICIENT)

    def put(self, now: datetime, namespace: str, name: str, dimensions: Mapping[str, str], *values: float) -> None:
        self.points[namespace, name, frozenset(dimensions.items())][_minute(now)].extend(values)

    def put_line(self, now: datetime, line: str) -> None:
        """A line of the log in the embedded metric format. Other lines are no metrics."""
        found = json.loads(line)
        for described in found["_aws"]["CloudWatchMetrics"] if "_aws" in found else ():
            (names,) = described["Dimensions"]
            for metric in described["Metrics"]:
                values = found[metric["Name"]]
                self.put(now, described["Namespace"], metric["Name"], {name: found[name] for name in names}, *values)

    def evaluate(self, now: datetime) -> None:
        """Evaluate each alarm by the minutes before this one."""
        for name, alarm in self.alarms.items():
            state = next_state(alarm, self._statistics(alarm, _minute(now)), self.states[name])
            if state != self.states[name] and alarm.get(ACTIONS[state]):
                self.notifications.append((now, name, state))
            self.states[name] = state

    def gone_off(self) -> set[str]:
        """The alarms that have notified a person of something else than their end."""
        return {name for _, name, state in self.notifications if state != OK}

    def first(self, alarm: str) -> datetime:
        """When the alarm first went off."""
        return next(at for at, name, state in self.notifications if name == alarm and state != OK)

    def _statistics(self, alarm: Mapping[str, Any], minute: int) -> list[Point]:
        dimensions = frozenset((one["Name"], one["Value"]) for one in alarm["Dimensions"])
        values = self.points.get((alarm["Namespace"], alarm["MetricName"], dimensions), {})
        statistic = STATISTICS[alarm["Statistic"]]
        length = alarm["EvaluationPeriods"] + MORE_POINTS
        return [statistic(values[one]) if values.get(one) else None for one in range(minute - length, minute)]


def alarms_of(template: Mapping[str, Any], stack_name: str) -> dict[str, dict[str, Any]]:
    """The alarms of a template, with all that have a condition. Resources are known by their logical names."""
    found = {name: one["Properties"] for name, one in template["Resources"].items() if _is_alarm(one)}
    return {
        name: {**alarm, "Dimensions": list(_resolved(alarm["Dimensions"], stack_name))} for name, alarm in found.items()
    }


def _is_alarm(resource: Mapping[str, Any]) -> bool:
    return resource.get("Type") == "AWS::CloudWatch::Alarm"


def _resolved(dimensions: Iterable[Mapping[str, Any]], stack_name: str) -> Iterable[dict[str, str]]:
    for dimension in dimensions:
        value = dimension["Value"]
        name = value if isinstance(value, str) else value.get("Ref") or value["Fn::GetAtt"][0]
        yield {"Name": dimension["Name"], "Value": stack_name if name == "AWS::StackName" else name}


def _minute(moment: datetime) -> int:
    return int(moment.timestamp() // 60)
