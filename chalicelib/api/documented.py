"""The texts and the examples of the API's description. They are data: `descriptions.json` and `examples.json`.

An example may say `"like": "Mailing"`: then it is that example, with its own fields beside or instead of those.
A test tries each of them against the API.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def request_example(*names: str) -> Any:
    """The request body that the first known of the names has: an operation such as `get /Clients/`, or a schema."""
    return _example("requests", names)


def answer_example(*names: str) -> Any:
    """As `request_example`, of the answer."""
    return _example("answers", names)


def refusals(status: int) -> dict[str, Any]:
    """The bodies of the errors with this status, by the case."""
    found: dict[str, Any] = _examples()["errors"][str(status)]
    return found


def description_of(operation: str) -> str:
    """`operation`: method and path, such as `get /Clients/`."""
    return str(_descriptions()["operations"][operation])


def about_api() -> str:
    return str(_descriptions()["about"])


def tags() -> dict[str, str]:
    """What each group of operations is about."""
    found: dict[str, str] = _descriptions()["tags"]
    return found


def _example(kind: str, names: Sequence[str]) -> Any:
    known = _examples()[kind]
    return next(_resolved(kind, known[name]) for name in names if name in known)


def _resolved(kind: str, value: Any) -> Any:
    match value:
        case {"like": str(name), **own}:
            return {**_example(kind, [name]), **_resolved(kind, own)}
        case dict():
            return {key: _resolved(kind, one) for key, one in value.items()}
        case list():
            return [_resolved(kind, one) for one in value]
    return value


@cache
def _examples() -> dict[str, Any]:
    return _read("examples.json")


@cache
def _descriptions() -> dict[str, Any]:
    return _read("descriptions.json")


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / name).read_text(encoding="utf-8"))
    return found
