"""Pages that some or all people do not get."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from chalice.app import Response

from ..errors import NotAllowed, NotFound
from ..texts import Text
from .page_requests import PageRequest


def not_found(_request: PageRequest) -> Response:
    """The answer of an address below `/console` that no page has."""
    raise NotFound


def for_writers(action: Callable[..., Response]) -> Callable[..., Response]:
    """A page that is a form only, or a question: refused for users whose submission would be refused."""

    @wraps(action)
    def act(request: PageRequest, *parameters: Any) -> Response:
        if not request.may_write:
            raise NotAllowed(Text("console.read_only"))
        return action(request, *parameters)

    return act
