"""How long a message waits before it is tried again."""

from __future__ import annotations

BASE_SECONDS = 2.0
MAX_SECONDS = 900.0


def retry_delay(receive_count: int, jitter: float, retry_after: float | None = None) -> int:
    """Seconds, 1 to 900, doubling with the receive count, with full jitter (`luck` is random, 0 to 1).

    A `Retry-After` of the gateway is the least; above 900 it is cut, a probe each quarter of an hour being
    cheap. Source of the jitter: AWS Architecture Blog, "Exponential Backoff And Jitter".
    """
    ceiling = min(MAX_SECONDS, BASE_SECONDS * 2.0 ** min(receive_count, 20))
    least = min(MAX_SECONDS, retry_after or 0)
    return max(1, round(least + jitter * (ceiling if least == 0 else min(ceiling, MAX_SECONDS - least))))
