"""The part of CloudWatch Logs Insights that docs/WATCHING.md uses: fields, filter, sort @timestamp, limit. No local
emulator has it: MiniStack ignores the filters that it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Line = dict[str, Any]
Test = Callable[[Line], bool]
WORD = re.compile(r'\s*("[^"]*"|[()=]|[@\w]+)')


def run(query: str, lines: list[Line]) -> list[Line]:
    """`lines` with their `@timestamp`. Raises ValueError for unknown syntax."""
    found = lines
    for command in (part.strip() for part in query.split("|")):
        name, _, rest = command.partition(" ")
        match name:
            case "fields":
                continue
            case "filter":
                found = [line for line in found if _Filter(rest).test(line)]
            case "sort" if rest == "@timestamp asc":
                found = sorted(found, key=lambda line: line["@timestamp"])
            case "limit":
                found = found[: int(rest)]
            case _:
                raise ValueError(f"not known: {command}")
    return found


class _Filter:
    """or, and, not, parentheses, `field = 12`, `field like "text"`, `ispresent(field)`; in this order of binding."""

    def __init__(self, text: str) -> None:
        self.words = WORD.findall(text)
        if re.sub(r"\s", "", "".join(self.words)) != re.sub(r"\s", "", text):
            raise ValueError(f"not known: {text}")
        self.test = self._any()
        if self.words:
            raise ValueError(f"not known: {self.words}")

    def _any(self) -> Test:
        tests = [self._all()]
        while self._take("or"):
            tests.append(self._all())
        return lambda line: any(test(line) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._take("and"):
            tests.append(self._one())
        return lambda line: all(test(line) for test in tests)

    def _one(self) -> Test:
        if self._take("not"):
            test = self._one()
            return lambda line: not test(line)
        if self._take("("):
            test = self._any()
            self._expect(")")
            return test
        if self._take("ispresent"):
            self._expect("(")
            name = self.words.pop(0)
            self._expect(")")
            return lambda line: name in line
        name, operator, value = self.words.pop(0), self.words.pop(0), self.words.pop(0)
        if operator == "=":
            return lambda line: str(line.get(name)) == value.strip('"')
        if operator == "like":
            return lambda line: value.strip('"') in str(line.get(name, ""))
        raise ValueError(f"not known: {operator}")

    def _take(self, word: str) -> bool:
        is_next = bool(self.words) and self.words[0] == word
        if is_next:
            self.words.pop(0)
        return is_next

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise ValueError(f"{word} is expected before {self.words}")
