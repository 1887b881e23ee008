"""What a measurement says: a figure of ours beside that of the least that anybody would have to do."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`ratio` is ours to theirs unless given; it is held to `least` or to `most`, where there is a limit."""

    what: str
    unit: str
    ours: float
    theirs: float | None = None
    ratio: float | None = None
    least: float | None = None
    most: float | None = None

    @property
    def is_good(self) -> bool:
        held = self.ours if self.ratio is None else self.ratio
        return (self.least is None or held >= self.least) and (self.most is None or held <= self.most)

    @property
    def limit(self) -> str:
        if self.least is not None:
            return f"at least {self.least:g}"
        return f"at most {self.most:g}" if self.most is not None else ""

    def __str__(self) -> str:
        theirs = "" if self.theirs is None else f"{self.theirs:,.2f}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        missed = "" if self.is_good else "MISSED"
        return (
            f"{self.what:<62}{self.ours:>12,.2f}{theirs:>12} {self.unit:<11}{ratio:>6}  {self.limit} {missed}".rstrip()
        )


def compare(
    what: str,
    unit: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    least: float | None = None,
    most: float | None = None,
) -> Row:
    """Of rounds that took turns: the medians, and the median of their ratios, which a noisy minute does not move."""
    ratio = statistics.median(own / other for own, other in zip(ours, theirs, strict=True))
    return Row(what, unit, statistics.median(ours), statistics.median(theirs), ratio, least, most)
