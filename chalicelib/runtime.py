"""What every worker does when it is woken: the bundle of the outside, made once per container, and its log."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

from .adapters.services import Services
from .domain.masking import mask_text
from .logs import log
from .settings import settings

P = ParamSpec("P")
T = TypeVar("T")


class InvocationFailed(Exception):
    """What Lambda is told, and writes to the log by itself: the error in one line, and no phone number in it."""


@cache
def services() -> Services:
    return Services(settings())


def waking(context: Any) -> Services:
    """Mark this invocation's lines in the log, and those alone, and hand over the outside."""
    log.clear_state()
    log.append_keys(function=context.function_name, request_id=context.aws_request_id)
    return services()


def seconds_left(context: Any) -> Callable[[], float]:
    """How much of this invocation's time is left, asked anew at each call."""
    return lambda: float(context.get_remaining_time_in_millis()) / 1000


def logging_errors(handler: Callable[P, T]) -> Callable[P, T]:
    """An error that ends the invocation is logged whole, with what the invocation was about."""

    @wraps(handler)
    def wrapped(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return handler(*arguments, **named)
        except Exception as error:
            log.exception("invocation failed")
            raise InvocationFailed(mask_text(f"{type(error).__name__}: {error}")) from None

    return wrapped
