"""`GET /metrics/` for Prometheus: totals only, nothing about a single mailing, client or phone number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chalice.app import Response

from ..http.calls import Call
from ..mailings import stats

TEXT = "text/plain; version=0.0.4; charset=utf-8"
"""The Prometheus text format: https://prometheus.io/docs/instrumenting/exposition_formats/"""


@dataclass(frozen=True)
class Gauge:
    """`values` are by the value of `label`; a gauge without a label has one value, under ""."""

    name: str
    help: str
    label: str
    values: Mapping[str, float]


def read(call: Call) -> Response:
    found = stats.snapshot(call.services)
    gauges = (
        Gauge("mailings", "Mailings by status; ended: finished, or cancelled and closed.", "status", found.mailings),
        Gauge("messages", "Messages of all mailings by status.", "status", found.messages),
        Gauge("queue_messages", "Messages in each queue, with in-flight and delayed ones.", "queue", found.queues),
        Gauge(
            "oldest_waiting_seconds",
            "Age of the oldest mailing that still sends, since its start.",
            "",
            {"": found.waiting},
        ),
        Gauge(
            "longest_silence_seconds",
            "Longest time without progress of a mailing that may send.",
            "",
            {"": found.silence},
        ),
        Gauge("spent", "What the sent messages have cost, at GATEWAY_PRICE.", "", {"": found.spent}),
        Gauge("balance", "Last known balance at each gateway that tells one.", "gateway", found.balances),
    )
    return Response(exposition(gauge for gauge in gauges if gauge.values), headers={"Content-Type": TEXT})


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
