"""What every worker does when it is woken: the bundle of the outside, made once per container, and its log."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..adapters.outside import Outside
from ..logs import log
from ..settings import settings


@cache
def outside() -> Outside:
    return Outside(settings())


def waking(context: Any) -> Outside:
    """Mark this invocation's lines in the log, and hand over the outside."""
    log.append_keys(function=context.function_name, request_id=context.aws_request_id)
    return outside()
