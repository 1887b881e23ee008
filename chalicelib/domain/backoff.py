"""The delay before a message is posted again."""

from __future__ import annotations

BASE_SECONDS = 2.0
MAX_SECONDS = 900.0

BEFORE_LAST_DOUBTS = (600.0, 60.0)
"""The shortest delay before the last attempt that may end in doubt, and before the last but one, in seconds.

A short outage without answers uses up no message's attempts, and a long one pauses the mailing first (brake.py).
"""


def delay_after_doubt(attempts_left: int) -> float:
    """The shortest delay after an attempt in doubt, if so many further ones may end in doubt."""
    return BEFORE_LAST_DOUBTS[attempts_left - 1] if 0 < attempts_left <= len(BEFORE_LAST_DOUBTS) else 0.0


def retry_delay(attempts: int, jitter: float, retry_after: float | None = None) -> int:
    """Seconds, 1 to 900. The upper bound doubles with the number of attempts; `jitter` is a random number from 0 to 1.

    The gateway's `retry_after` (seconds) is the lower bound, cut to 900: one probe every 15 minutes is cheap.
    Source of the full jitter: AWS Architecture Blog, "Exponential Backoff And Jitter".
    """
    upper_bound = min(MAX_SECONDS, BASE_SECONDS * 2.0 ** min(attempts, 20))
    lower_bound = min(MAX_SECONDS, retry_after or 0)
    range_of_jitter = upper_bound if lower_bound == 0 else min(upper_bound, MAX_SECONDS - lower_bound)
    return max(1, round(lower_bound + jitter * range_of_jitter))
