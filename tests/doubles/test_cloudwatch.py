"""The double of CloudWatch evaluates alarms as the tables in the CloudWatch User Guide do, "Configuring how CloudWatch
alarms treat missing data". 0 is a point within the threshold, X one beyond it, - one that is missing.
"""

from __future__ import annotations

import pytest

from infra.local.doubles.cloudwatch import next_state

POINTS = {"0": 0.0, "X": 1.0, "-": None}
LETTERS = {"OK": "o", "ALARM": "a", "INSUFFICIENT_DATA": "i", "before": "b"}
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


@pytest.mark.parametrize(
    ("points", "needed", "states"),
    [
        ("0-X-X", 3, "oooo"),
        ("0----", 3, "oooo"),
        ("-----", 3, "ibao"),
        ("0XX-X", 3, "aaaa"),
        ("--X--", 3, "abao"),
        ("----X", 3, "ooao"),
        ("0-X-X", 2, "aaaa"),
        ("00X0X", 2, "aaaa"),
        ("0-X--", 2, "ooao"),
        ("----0", 2, "ooao"),
        ("---X-", 2, "abao"),
    ],
)
def test_an_alarm_has_the_documented_state(points: str, needed: int, states: str) -> None:
    """`needed` of 3 points. `states`: by treatment; b is the state that the alarm had before."""
    alarm = {"EvaluationPeriods": 3, "DatapointsToAlarm": needed, "Threshold": 0}
    alarm["ComparisonOperator"] = "GreaterThanThreshold"
    found = [
        next_state({**alarm, "TreatMissingData": one}, list(map(POINTS.get, points)), "before") for one in TREATMENTS
    ]
    assert "".join(map(LETTERS.__getitem__, found)) == states
