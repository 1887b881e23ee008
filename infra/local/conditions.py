"""Key conditions of MiniStack's queries, evaluated without parsing them for each row.

MiniStack parses the expression again for each row of a partition: 85 µs a row, about a second for the messages of a
mailing to 10,000 clients, whatever the limit of the page. DynamoDB reads only the rows of the page.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

CLAUSE = re.compile(r"(#\w+) (=|<=|<|>=|>) (:\w+)|(#\w+) BETWEEN (:\w+) AND (:\w+)")
"""The conditions on numbers and texts that PynamoDB writes. MiniStack evaluates all others."""

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
SLOT = "KeyConditionExpression"
KINDS = {"N", "S"}

Value = Mapping[str, str]
Clause = tuple[str, str, str]
"""A name, a comparison, and the name of a value."""


def with_fast_keys(evaluate: Callable[..., bool]) -> Callable[..., bool]:
    """Wrap MiniStack's evaluation of conditions."""

    def evaluated(
        expression: str, item: Mapping[str, Value], values: Any, names: Any, slot: str = "ConditionExpression"
    ) -> bool:
        clauses = parse(expression) if slot == SLOT else None
        if clauses is None or not all(value.keys() <= KINDS for value in values.values()):
            return evaluate(expression, item, values, names, slot=slot)
        return all(_holds(item.get(names[name]), comparison, values[value]) for name, comparison, value in clauses)

    return evaluated


@cache
def parse(expression: str) -> tuple[Clause, ...] | None:
    """The clauses of a condition, all of which must hold. None for a condition of another form."""
    plain = expression.replace("(", "").replace(")", "")
    clauses: list[Clause] = []
    for match in CLAUSE.finditer(plain):
        name, comparison, value, between, low, high = match.groups()
        clauses += [(name, comparison, value)] if name else [(between, ">=", low), (between, "<=", high)]
    rest = CLAUSE.sub("", plain).replace(" AND ", "").strip()
    return tuple(clauses) if clauses and not rest else None


def _holds(stored: Value | None, comparison: str, value: Value) -> bool:
    if stored is None or stored.keys() != value.keys():
        return False
    if comparison == "=" and stored == value:
        return True
    return COMPARISONS[comparison](_comparable(stored), _comparable(value))


def _comparable(value: Value) -> Any:
    return _number(value["N"]) if "N" in value else value["S"]


_number = lru_cache(maxsize=100_000)(Decimal)
