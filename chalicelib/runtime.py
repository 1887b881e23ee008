"""Shared by every Lambda function: the services, made once per container, and the log context of an invocation."""

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
    """The error that Lambda gets and logs: one line, with phone numbers masked."""


@cache
def services() -> Services:
    return Services(settings())


def begin_invocation(context: Any, request_id: str | None = None) -> Services:
    """Reset the log context to this invocation. Returns the services.

    `request_id`: that of the HTTP request. The lines of Lambda itself have that of the invocation only.
    """
    log.clear_state()
    log.append_keys(function=context.function_name, request_id=request_id or context.aws_request_id)
    if request_id:
        log.append_keys(invocation_id=context.aws_request_id)
    return services()


def seconds_left(context: Any) -> Callable[[], float]:
    """Returns a function that returns the remaining time of this invocation, in seconds."""
    return lambda: float(context.get_remaining_time_in_millis()) / 1000


def logging_errors(handler: Callable[P, T]) -> Callable[P, T]:
    """Log an error that ends the invocation, with its traceback and the log context. Raises InvocationFailed."""

    @wraps(handler)
    def wrapped(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return handler(*arguments, **named)
        except Exception as error:
            log.exception("invocation failed")
            raise InvocationFailed(mask_text(f"{type(error).__name__}: {error}")) from None

    return wrapped
