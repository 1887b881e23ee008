"""`GET /metrics`: how things stand, for Prometheus. Nothing of it is about one mailing, client or phone number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chalice.app import Response

from ..http.calls import Call
from ..mailings import stats

TEXT = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats/"""


@dataclass(frozen=True)
class Gauge:
    """`values` by the one label, or by "" where there is none."""

    name: str
    help: str
    label: str
    values: Mapping[str, float]


def read(call: Call) -> Response:
    found = stats.snapshot(call.services)
    gauges = (
        Gauge("mailings", "Mailings; ended: finished, or cancelled for good.", "status", found.mailings),
        Gauge("messages", "Messages of all mailings there are.", "status", found.messages),
        Gauge("queue_messages", "Messages in a queue, in hand and delayed ones too.", "queue", found.queues),
        Gauge(
            "oldest_waiting_seconds", "Since the start of the oldest mailing that still sends.", "", {"": found.waiting}
        ),
        Gauge("longest_silence_seconds", "Since a mailing that still sends last got on.", "", {"": found.silence}),
    )
    return Response(exposition(gauges), headers={"Content-Type": TEXT})


def exposition(gauges: Iterable[Gauge]) -> str:
    return "".join(f"{line}\n" for gauge in gauges for line in _lines(gauge))


def _lines(gauge: Gauge) -> list[str]:
    name = f"notifications_{gauge.name}"
    lines = [f"# HELP {name} {_escaped(gauge.help)}", f"# TYPE {name} gauge"]
    for value, number in gauge.values.items():
        label = f'{{{gauge.label}="{_escaped(value, quoted=True)}"}}' if gauge.label else ""
        lines.append(f"{name}{label} {number}")
    return lines


def _escaped(text: str, quoted: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quoted else text
