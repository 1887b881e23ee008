"""The outcome of a post: its meaning for the message, whichever gateway gave the answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..texts import Text
from .money import Amount


class Kind(Enum):
    """docs/GATEWAYS.md, "What each answer means". Each adapter maps the codes of its provider to these."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    """The gateway has this message id already."""
    PERMANENT = "permanent"
    """This message can never be sent as it is: a wrong number, a refused text, no route."""
    OPTED_OUT = "opted_out"
    """The recipient refuses messages, and the gateway knows it."""
    SENDER = "sender"
    """The gateway does not allow the name or number of the sender, or needs other settings: all messages would fail."""
    CREDENTIALS = "credentials"
    """The gateway refused the secret, or has closed the account."""
    BALANCE = "balance"
    """No money is left, or a limit of the account is reached."""
    THROTTLED = "throttled"
    TEMPORARY = "temporary"
    """The gateway certainly does not have the message, and may take it later."""
    AMBIGUOUS = "ambiguous"
    """The gateway may have the message."""


TAKEN = {Kind.ACCEPTED, Kind.DUPLICATE}
FINAL = {Kind.PERMANENT, Kind.OPTED_OUT}
"""A repeated post would be refused again, because of the message itself."""

REFUSED = {"gateway.message_refused", "gateway.refused_by_code"}
"""The codes of the reasons of PERMANENT, and of no other kind: the row of a message has the reason."""

OF_ACCOUNT = {Kind.CREDENTIALS, Kind.BALANCE}
"""The next post of any mailing would be refused too. Like that of SENDER, no message is the cause: it waits, and its
mailing pauses if the refusals last (brake.py)."""


@dataclass(frozen=True)
class Outcome:
    """`retry_after`: the gateway names the seconds before the next post. `is_answered`: some answer came.

    `is_off_contract`: it is ambiguous because of an answer that the gateway's protocol does not have, and not because
    of silence. `reason` is for people. It contains no text of the gateway, which could contain phone numbers.
    `parts` and `price`: the SMS parts of an accepted message and what they cost; None if the gateway does not say it.
    `provider_id`: what the provider calls an accepted message, if it is to be asked by it (asking.py).
    """

    kind: Kind
    reason: Text | None = None
    retry_after: float | None = None
    is_answered: bool = True
    is_off_contract: bool = False
    parts: int | None = None
    price: Amount | None = None
    provider_id: str = ""

    @property
    def sent(self) -> bool:
        return self.kind in TAKEN

    @property
    def retryable(self) -> bool:
        """The post can be repeated later."""
        return self.kind not in TAKEN and self.kind not in FINAL

    @property
    def is_of_account(self) -> bool:
        return self.kind in OF_ACCOUNT

    @property
    def in_doubt(self) -> bool:
        return self.kind is Kind.AMBIGUOUS

    @property
    def is_clear_failure(self) -> bool:
        """The gateway certainly does not have the message, and the recipient has not refused it."""
        return self.kind not in TAKEN and self.kind not in (Kind.AMBIGUOUS, Kind.OPTED_OUT)

    @property
    def never_sent(self) -> bool:
        """The connection failed, so the gateway has not seen the message."""
        return self.kind is Kind.TEMPORARY and not self.is_answered

    @property
    def is_of_gateway(self) -> bool:
        """The message cannot be the cause of the failure."""
        return self.kind is Kind.THROTTLED or self.never_sent or self.retry_after is not None
