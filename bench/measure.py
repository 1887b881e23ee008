"""A measured figure, with the baseline: that of a minimal program for the same work."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`ratio` is `measured` to `baseline`. The limit is for `ratio`, or for `measured` if there is no baseline."""

    what: str
    unit: str
    measured: float
    baseline: float | None = None
    ratio: float | None = None
    least: float | None = None
    most: float | None = None

    @property
    def is_good(self) -> bool:
        figure = self.measured if self.ratio is None else self.ratio
        return (self.least is None or figure >= self.least) and (self.most is None or figure <= self.most)

    @property
    def limit(self) -> str:
        if self.least is not None:
            return f"at least {self.least:g}"
        return f"at most {self.most:g}" if self.most is not None else ""

    def __str__(self) -> str:
        baseline = "" if self.baseline is None else f"{self.baseline:,.2f}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        missed = "" if self.is_good else "MISSED"
        figures = f"{self.measured:>12,.2f}{baseline:>12} {self.unit:<11}{ratio:>6}"
        return f"{self.what:<62}{figures}  {self.limit} {missed}".rstrip()


def compare(
    what: str,
    unit: str,
    measured: Sequence[float],
    baseline: Sequence[float],
    least: float | None = None,
    most: float | None = None,
) -> Row:
    """Compare alternating rounds: the medians, and the median of the ratios, which other load affects little."""
    ratio = statistics.median(ours / other for ours, other in zip(measured, baseline, strict=True))
    return Row(what, unit, statistics.median(measured), statistics.median(baseline), ratio, least, most)
