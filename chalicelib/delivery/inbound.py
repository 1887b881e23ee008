"""Recipients that refuse further messages, by an inbound message or by what the provider knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..access.audit import GATEWAY_AUTHOR, author_of
from ..clients.stop_list import stop_number
from ..domain.client import PHONE
from ..domain.inbound import STOP_WORDS, Inbound
from ..domain.phone import meant_phone
from ..domain.stop import BY_RECIPIENT, Stop, StopCause
from ..errors import BadInput
from ..logs import log, log_clients
from ..texts import Text

if TYPE_CHECKING:
    from ..adapters.services import Services

MAX_OPT_OUTS = 100
"""Phone numbers in one call: each takes a few calls of DynamoDB."""


def opt_out_phones(services: Services, sources: Mapping[str, str]) -> int:
    """Put these numbers on the stop list, with the clients that have them, each with an audit record.

    `sources`: by what each number comes onto the list (domain/stop.py), by the number as the provider writes it. A
    repetition changes nothing. Returns how many are no mobile numbers. Raises BadInput for too many numbers.
    """
    numbers = {_number_of(phone_number): source for phone_number, source in sources.items()}
    if len(numbers) > MAX_OPT_OUTS:
        raise BadInput.of_request(Text("receipt.number", most=MAX_OPT_OUTS, number=len(numbers)))
    known = {one: source for one, source in numbers.items() if PHONE.fullmatch(one)}
    stopped = [_stop(services, one, StopCause(source)) for one, source in sorted(known.items())]
    new = [stop.client_id for stop in stopped if stop is not None]
    log_clients("opted out by the recipient", [client_id for client_id in new if client_id is not None])
    if without_client := new.count(None):
        log.info("numbers without a client stopped by the recipient", extra={"number": without_client})
    return len(numbers) - len(known)


def stops_among(services: Services, messages: Iterable[Inbound]) -> dict[str, str]:
    """The senders whose text begins with a stop word, as `opt_out_phones` takes them."""
    words = services.settings.stop_words or STOP_WORDS
    return {message.phone_number: BY_RECIPIENT for message in messages if message.says_stop(words)}


def _number_of(written: str) -> str:
    """An operator may name the sender as people write a number: 8 977 405-33-29. Of anything else the digits."""
    return meant_phone(written) or re.sub(r"\D", "", written)


def _stop(services: Services, phone_number: str, cause: StopCause) -> Stop | None:
    """Returns None if nothing is new."""
    try:
        stop, is_new = stop_number(services, phone_number, cause, author_of(services, GATEWAY_AUTHOR))
    except BadInput:  # it is erased: an opt-out of an erased person stays as a keyed hash, and nobody has the number
        return None
    return stop if is_new else None
