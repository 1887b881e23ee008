"""One place where clients of AWS services are made: short time limits, and retries with a bound."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

_CONFIG = Config(  # type: ignore[no-untyped-call]
    connect_timeout=2,
    read_timeout=5,
    max_pool_connections=50,
    retries={"total_max_attempts": 4, "mode": "standard"},
)


@cache
def client(service: str) -> Any:
    """Made on first use, never at import; botocore's clients may be shared by threads."""
    return boto3.client(service, config=_CONFIG)  # type: ignore[no-untyped-call]
