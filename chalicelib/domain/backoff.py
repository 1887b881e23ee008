"""The delay before a message is posted again."""

from __future__ import annotations

BASE_SECONDS = 2.0
MAX_SECONDS = 900.0


def retry_delay(attempts: int, jitter: float, retry_after: float | None = None) -> int:
    """Seconds, 1 to 900. The upper bound doubles with the number of attempts; `jitter` is a random number from 0 to 1.

    The gateway's `retry_after` (seconds) is the lower bound, cut to 900: one probe every 15 minutes is cheap.
    Source of the full jitter: AWS Architecture Blog, "Exponential Backoff And Jitter".
    """
    upper_bound = min(MAX_SECONDS, BASE_SECONDS * 2.0 ** min(attempts, 20))
    lower_bound = min(MAX_SECONDS, retry_after or 0)
    range_of_jitter = upper_bound if lower_bound == 0 else min(upper_bound, MAX_SECONDS - lower_bound)
    return max(1, round(lower_bound + jitter * range_of_jitter))
