"""Which gateways there are, in which order a message tries them, and to which one it may be posted again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .message import QUEUED, UNKNOWN, Message
from .outcome import REFUSED, Outcome


@dataclass(frozen=True)
class Leg:
    """An attempt as a leg of the route of its message.

    `is_first`: the first attempt at this gateway. `is_last`: no gateway comes behind this one.
    """

    is_first: bool
    is_last: bool

    def moves_on(self, outcome: Outcome) -> bool:
        """Whether the message goes to the next gateway, because this one certainly does not have it."""
        return not self.is_last and outcome.is_clear_failure


@dataclass(frozen=True)
class Routes:
    """`names`: the gateways by name, in their order. `deduping`: those that accept a repeated message id once.

    `codes`: the operator codes of gateways that serve these only. `addresses`: a digest of the URL of each.
    `spares`: those that take only what others did not take.
    """

    names: tuple[str, ...]
    deduping: frozenset[str] = frozenset()
    codes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    spares: frozenset[str] = frozenset()

    @property
    def are_several(self) -> bool:
        return len(self.names) > 1

    @property
    def is_one_that_dedupes(self) -> bool:
        """A success of any message is then one of this gateway, and not of another one."""
        return not self.are_several and self.names[0] in self.deduping

    def of(self, operator_code: str) -> tuple[str, ...]:
        """The gateways that serve this operator, in their order. There is at least one."""
        return tuple(name for name in self.names if operator_code in self.codes.get(name, (operator_code,)))

    def is_last(self, operator_code: str, name: str) -> bool:
        """Whether no gateway comes behind this one."""
        route = self.of(operator_code)
        return name not in route or route[-1] == name

    def leg_of(self, operator_code: str, message: Message, tried_at: str) -> Leg:
        """`message`: as claimed. `tried_at`: the gateway of the attempt before, as below.

        A message that has been at all gateways begins again, and says nothing new: it has no further first attempt.
        """
        has_moved = tried_at not in ("", message.gateway)
        is_new_there = has_moved and message.recent_attempts <= len(self.of(operator_code))
        is_first = message.recent_attempts == 1 or is_new_there
        return Leg(is_first, self.is_last(operator_code, message.gateway))

    def next_for(self, operator_code: str, message: Message | None) -> tuple[str, ...]:
        """The gateways at which the next attempt may be made, the preferred one first. `message`: None if not known.

        After a clear failure: those behind it, then the others, and it again. If this one has refused the
        message for good, those behind it come first, also if they are held back. An unknown message that a person sends
        again goes to the gateway that may have it, and knows its id.
        """
        if message is not None and message.doubts and self.gateway_of(message) in self.names:
            return (self.gateway_of(message),)
        failed, route = self.tried_at(message), self.of(operator_code)
        start = route.index(failed) + 1 if failed in route else 0
        if message is not None and message.reopened_from == UNKNOWN and not message.recent_attempts:
            start = route.index(message.gateway) if message.gateway in route else 0
        is_refused = message is not None and message.last_error is not None and message.last_error.code in REFUSED
        return route[start:] if is_refused and route[start:] else route[start:] + route[:start]

    def tried_at(self, message: Message | None) -> str:
        """The gateway that certainly does not have the message; empty if it is not known, or none has been tried.

        A message that a person sends again begins anew: it may have been unknown whether its gateway has it.
        """
        if message is None or message.doubts or message.last_error is None or not message.recent_attempts:
            return ""
        return message.gateway

    def gateway_of(self, message: Message) -> str:
        """The gateway that may have the message. Rows of earlier versions do not name it: there was one."""
        return message.gateway or ("" if self.are_several else self.names[0])

    def allow_repetition(self, message: Message) -> bool:
        """Whether a message that its gateway may have can be posted again, which is only safe there.

        A gateway of the same name at another URL may be another one. A row of an earlier version does not say where.
        """
        name = self.gateway_of(message)
        is_there = message.address in ("", self.addresses.get(name, message.address))
        return name in self.deduping and is_there

    def leave_in_doubt(self, message: Message, now: datetime) -> bool:
        """Whether no attempt may follow: the gateway may have the message, and would send a repetition as well.

        That is also so if a deploy has changed the gateway or its URL since, or says that it detects no repeated id.
        """
        is_waiting = message.status == QUEUED and not message.is_claimed(now)
        return is_waiting and message.doubts > 0 and not self.allow_repetition(message)
