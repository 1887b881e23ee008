"""The outcome of a post: its meaning for the message."""

from __future__ import annotations

from dataclasses import dataclass

from ..texts import Text


@dataclass(frozen=True)
class Outcome:
    """`sent`: the gateway accepted the message. `retryable`: the post can be repeated later, `retry_after` in seconds.

    `our_fault`: the gateway refused our credentials. `in_doubt`: the gateway may have accepted the message.
    `is_off_contract`: it is in doubt because of an answer that the contract does not have, and not because of silence.
    `is_of_gateway`: the message cannot be the cause of the failure.

    `reason` is for people. It contains no text of the gateway, which could contain phone numbers.
    """

    sent: bool = False
    retryable: bool = False
    our_fault: bool = False
    in_doubt: bool = False
    is_off_contract: bool = False
    is_of_gateway: bool = False
    reason: Text | None = None
    retry_after: float | None = None
