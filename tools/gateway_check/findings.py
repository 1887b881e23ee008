"""What a check has found: what the gateway does, which setting follows, and whether it contradicts the adapter."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

HEAD = ("check", "what the gateway does", "what follows")


@dataclass(frozen=True)
class Finding:
    """`settings`: values by name. `is_mismatch`: the adapter or the settings say otherwise."""

    check: str
    seen: str
    follows: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    is_mismatch: bool = False


@dataclass
class Person:
    """Who is asked. `agrees`: to everything, and knows nothing."""

    agrees: bool = False
    ask: Callable[[str], str] = input

    def consents(self, question: str) -> bool:
        return self.agrees or self.ask(f"{question} [y/N] ").strip().lower() in ("y", "yes")

    def number(self, question: str) -> int | None:
        """None if the person does not know."""
        answer = "" if self.agrees else self.ask(f"{question} [a number, or Enter if you do not know] ").strip()
        return int(answer) if answer.isascii() and answer.isdigit() else None


def print_findings(findings: Sequence[Finding]) -> None:
    rows = [HEAD, *((one.check, one.seen, ("MISMATCH: " if one.is_mismatch else "") + one.follows) for one in findings)]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for first, second, third in rows:
        print(f"{first.ljust(widths[0])}  {second.ljust(widths[1])}  {third}".rstrip())
    settings = {name: value for one in findings for name, value in one.settings.items()}
    if settings:
        print("\nSettings that follow: " + " ".join(f"{name}={value}" for name, value in settings.items()))
    sys.stdout.flush()
