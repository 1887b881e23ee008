"""The rules of GATEWAY=http: what an answer means, by its status, a value in its JSON, or a pattern in its body."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..domain.outcome import TAKEN, Kind
from ..errors import BadSettings
from .answer import Answer

NAMES = ("status", "path", "equals", "in", "matches", "kind", "wait")
STATUSES = re.compile(r"([1-5])xx|([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")
SUCCESS = (range(200, 300),)
ANY = (range(100, 600),)

SEARCHED = 2000
"""Characters of a body in which a pattern is searched."""

LONGEST_PATTERN = 200


@dataclass(frozen=True)
class Rule:
    """It fits if all of it fits. `expected`: None: at the path is any value but null, false, 0 and an empty one."""

    kind: Kind
    statuses: tuple[range, ...]
    path: tuple[str, ...] | None
    expected: frozenset[str] | None
    pattern: re.Pattern[str] | None
    wait: float | None

    def code(self, status: int, answer: Answer, body: Any) -> str | None:
        """What the reason of the outcome shows: the value at the path, otherwise the status. None: it does not fit."""
        if not any(status in one for one in self.statuses):
            return None
        if self.pattern and not self.pattern.search(answer.body, 0, SEARCHED):
            return None
        if self.path is None:
            return str(status)
        found = _at(body, self.path)
        fits = bool(found) if self.expected is None else text_of(found) in self.expected
        return text_of(found) if fits else None


def rule_of(place: str, given: Any) -> Rule:
    """Raises BadSettings with the place of what is wrong."""
    if not isinstance(given, dict) or not given:
        raise BadSettings(f"{place}: an object is expected")
    for name in given:
        if name not in NAMES:
            raise BadSettings(f"{place}.{name}: one of {', '.join(NAMES)} is expected")
    kind = _kind(place, given.get("kind"))
    path = given.get("path")
    if path is not None and (not isinstance(path, str) or not path):
        raise BadSettings(f"{place}.path: a path such as messages.0.status is expected")
    return Rule(
        kind,
        _statuses(place, given.get("status"), kind),
        None if path is None else tuple(path.split(".")),
        _expected(place, given),
        _pattern(place, given.get("matches")),
        _wait(place, given.get("wait"), kind),
    )


def json_in(text: str) -> Any:
    """None if the body is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def text_of(value: Any) -> str:
    """`0` and `"0"` are the same, since providers write both. `true` is not 1."""
    return value if isinstance(value, str) else json.dumps(value)


def _at(body: Any, path: tuple[str, ...]) -> Any:
    """None if there is nothing."""
    for step in path:
        if isinstance(body, dict):
            body = body.get(step)
        elif isinstance(body, list) and step.isascii() and step.isdigit() and int(step[:6]) < len(body):
            body = body[int(step[:6])]
        else:
            return None
    return body


def _kind(place: str, given: Any) -> Kind:
    kinds = [kind.value for kind in Kind]
    if given not in kinds:
        raise BadSettings(f"{place}.kind: one of {', '.join(kinds)} is expected")
    return Kind(given)


def _statuses(place: str, given: Any, kind: Kind) -> tuple[range, ...]:
    """Without a status a rule fits any; for messages that were taken, any 2xx."""
    if given is None:
        return SUCCESS if kind in TAKEN else ANY
    ranges = tuple(_range(place, one) for one in (given if isinstance(given, list) else [given]))
    if kind is Kind.ACCEPTED and not all(one.start >= 200 and one.stop <= 300 for one in ranges):
        raise BadSettings(f"{place}.status: only 2xx can be accepted")
    return ranges


def _range(place: str, given: Any) -> range:
    if match := STATUSES.fullmatch(str(given)):
        hundreds, first, last = match.groups()
        if hundreds:
            return range(int(hundreds) * 100, int(hundreds) * 100 + 100)
        if found := range(int(first), int(last or first) + 1):
            return found
    raise BadSettings(f"{place}.status: 200, 2xx, 500-599 or a list of these is expected")


def _expected(place: str, given: Mapping[str, Any]) -> frozenset[str] | None:
    if "equals" not in given and "in" not in given:
        return None
    if "path" not in given:
        raise BadSettings(f"{place}.path: a path is expected by equals and in")
    values = given.get("in", [given.get("equals")])
    is_list = isinstance(values, list) and not any(isinstance(value, list | dict) for value in values)
    if not is_list or ("equals" in given and "in" in given):
        raise BadSettings(f"{place}: a value of equals, or a list of values of in, is expected")
    return frozenset(map(text_of, values))


def _pattern(place: str, given: Any) -> re.Pattern[str] | None:
    if given is None:
        return None
    try:
        if isinstance(given, str) and len(given) <= LONGEST_PATTERN:
            return re.compile(given)
    except (re.error, RecursionError, OverflowError):
        pass
    raise BadSettings(f"{place}.matches: a regular expression of at most {LONGEST_PATTERN} characters is expected")


def _wait(place: str, given: Any, kind: Kind) -> float | None:
    if given is None:
        return None
    is_seconds = isinstance(given, int | float) and not isinstance(given, bool) and 0 < given <= 86_400
    if not is_seconds or kind not in (Kind.THROTTLED, Kind.TEMPORARY):
        raise BadSettings(f"{place}.wait: seconds are expected, with the kind throttled or temporary only")
    return float(given)
