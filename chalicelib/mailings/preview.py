"""Preview a mailing before it is announced: the number of clients, example texts, and the forecast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..clients.recipients import plan_now
from ..clients.segments import find_segment
from ..clients.slices import read_slice
from ..delivery.rate_limits import limits_of
from ..domain.client import Client
from ..domain.condition_text import describe_filter
from ..domain.filter import Filter
from ..domain.first_messages import Delay, FirstMessage
from ..domain.forecast import Forecast, forecast_mailing
from ..domain.mailing import Mailing
from ..domain.sms import Length, measure
from ..domain.template import fill, fill_masked, has_placeholders, lacks_value
from ..domain.walk import BEGINNING, FILTERED_READ, time_limit
from ..texts import Text
from ..zones import zone
from .audience import Audience, count_audience, group_audience, sample_in_words
from .filters import require_known_names
from .placeholders import placeholder_warnings, require_known_placeholders, value_warnings
from .prices import CostForecast, cost_warnings, forecast_cost, require_price
from .warnings import audience_warnings

if TYPE_CHECKING:
    from ..adapters.services import Services

SAMPLE = 100
"""Clients whose texts are measured; at most three of them are shown."""

SAMPLE_SECONDS = 3.0

MANY_PARTS = 3
"""SMS parts. A text for people seldom needs more, and operators charge for each."""


@dataclass(frozen=True)
class Example:
    """`text` with the phone number masked, `length` of the text that would be sent."""

    client: Client
    text: str
    length: Length


@dataclass(frozen=True)
class LaunchForecast:
    """What a launch would do. `rate` in messages a second; None: as fast as the gateway accepts them."""

    audience: Audience
    starts_at: datetime
    rate: float | None
    forecast: Forecast


@dataclass(frozen=True)
class Preview:
    """`clients`: the number chosen now; if not `is_whole`, a lower bound. `length`: None without a text.

    For a text with placeholders, `length` is the longest of a sample, `parts_each` its mean, `examples` a part of it.
    `cost`: what the texts and AWS will cost. `condition`: that of the filter, as a sentence. `first_messages`, `delay`:
    as `with_first_messages` has found them.
    """

    clients: int
    is_whole: bool
    length: Length | None
    examples: tuple[Example, ...] = ()
    parts_each: float | None = None
    launch: LaunchForecast | None = None
    warnings: tuple[Text, ...] = ()
    cost: CostForecast | None = None
    condition: Text | None = None
    first_messages: tuple[FirstMessage, ...] = ()
    delay: Delay | None = None

    @property
    def is_long(self) -> bool:
        """Whether the text takes so many SMS parts that a person should look at it again."""
        return self.length is not None and self.length.parts > MANY_PARTS

    @property
    def parts(self) -> int:
        """SMS parts of all messages together. Operators charge for parts."""
        each = self.parts_each or (self.length.parts if self.length else 0)
        return round(self.clients * each)


def preview_mailing(
    services: Services,
    chosen: Filter,
    message_text: str,
    planned: Mailing | None = None,
    started: Mailing | None = None,
) -> Preview:
    """Writes nothing. Raises BadInput with the unknown placeholders, or with a maximum cost that cannot be kept.

    `chosen`: as `reached_by` returns it.
    `planned`: the mailing with its times, for the forecast; None if the times are not known yet.
    `started`: the mailing, if it already has its audience.
    """
    if started is None:
        chosen = find_segment(services, chosen)
        planned = replace(planned, chosen=chosen) if planned else None
    mailing = started or planned
    require_price(services, mailing.max_cost if mailing else None)
    preview = _preview(services, chosen, message_text, planned, started)
    is_limited = mailing is not None and limits_of(services.settings, mailing) is not None
    forecast = forecast_cost(services, preview.clients, preview.parts, is_limited)
    warnings = cost_warnings(forecast, mailing) if mailing and not started else []
    sentence = describe_filter(chosen)
    found = (*placeholder_warnings(message_text), *preview.warnings, *warnings)
    return replace(preview, cost=forecast, warnings=found, condition=sentence)


def _preview(
    services: Services, chosen: Filter, message_text: str, planned: Mailing | None, started: Mailing | None
) -> Preview:
    if not started:
        require_known_names(services, chosen.condition)
    is_filled = not _is_sent_unchanged(message_text, started)
    if is_filled:
        require_known_placeholders(services, message_text)
    launch = forecast_launch(services, replace(planned, chosen=chosen)) if planned is not None else None
    clients, is_whole = _count_clients(services, chosen, launch, started)
    warnings = [] if started else audience_warnings(services, chosen, lambda: is_whole and not clients)
    if chosen.needs_consent:
        warnings.append(Text("audience.consent"))
    length = measure(message_text) if message_text else None
    sample = sample_texts(services, chosen, message_text) if is_filled else []
    if not sample:
        return Preview(clients, is_whole, length, launch=launch, warnings=tuple(warnings))
    of_clients = sample_in_words(len(sample), clients, is_whole)
    warnings += value_warnings(message_text, [example.client for example in sample], of_clients)
    lengths = [example.length for example in sample]
    longest = max(lengths, key=lambda length: (length.parts, length.units))
    parts_each = sum(length.parts for length in lengths) / len(lengths)
    return Preview(
        clients, is_whole, longest, choose_examples(sample, message_text), parts_each, launch, tuple(warnings)
    )


def _count_clients(
    services: Services, chosen: Filter, launch: LaunchForecast | None, started: Mailing | None
) -> tuple[int, bool]:
    """The number of clients, and whether it is exact."""
    if started is not None:
        return started.counts.total, started.is_fanned_out
    if launch is not None:
        return launch.audience.clients, launch.audience.is_whole
    return count_audience(services, chosen)


def _is_sent_unchanged(text: str, started: Mailing | None) -> bool:
    """Whether the text is sent without filling in. Mailings older than placeholders keep the braces in their text."""
    if started is not None and text == started.message_text:
        return not started.has_placeholders
    return not has_placeholders(text)


def forecast_launch(services: Services, mailing: Mailing) -> LaunchForecast:
    """The forecast of the mailing alone: it ignores other mailings that share the gateway."""
    audience = group_audience(services, mailing.chosen)
    limits = limits_of(services.settings, mailing)
    rate = limits.lowest if limits else None
    starts_at = max(mailing.datetime_start, services.clock.now().replace(microsecond=0))
    forecast = forecast_mailing(audience.by_timezone, starts_at, mailing.datetime_end, mailing.window, rate, zone)
    return LaunchForecast(audience, starts_at, rate, forecast)


def sample_texts(services: Services, chosen: Filter, text: str) -> list[Example]:
    """Texts for the first clients that the filter reaches. Empty if the time limit ends before any is found."""
    clients = sample_clients(services, chosen)
    return [Example(client, fill_masked(text, client), measure(fill(text, client))) for client in clients]


def with_clients(preview: Preview, text: str, shown: Callable[[Client], Client]) -> Preview:
    """With the examples for clients as they are shown. The lengths stay those of the texts that would be sent."""
    pairs = [(example, shown(example.client)) for example in preview.examples]
    examples = [replace(example, client=client, text=fill_masked(text, client)) for example, client in pairs]
    return replace(preview, examples=tuple(examples))


def choose_examples(sample: list[Example], text: str) -> tuple[Example, ...]:
    """One of a client without a value, if there is any, or else the first; the shortest; the longest."""
    lacking = [example for example in sample if lacks_value(text, example.client)]
    by_length = sorted(sample, key=lambda example: example.length.units)
    chosen = [*(lacking or sample)[:1], *by_length[:1], *by_length[-1:], *sample[:3]]
    found = {example.client.id: example for example in chosen}
    return tuple(found.values())[:3]


def sample_clients(services: Services, chosen: Filter) -> list[Client]:
    """The first clients that the filter reaches. Its segment is looked up already."""
    has_time = time_limit(services.clock.now, SAMPLE_SECONDS)
    plan = plan_now(services, chosen)
    for number in range(plan.slices):
        found, _ = read_slice(
            services,
            plan,
            chosen,
            number,
            BEGINNING,
            SAMPLE,
            keep=chosen.may_be_texted,
            has_time=has_time,
            read_at_least=FILTERED_READ,
        )
        if found:
            return found
        if not has_time():
            break
    return []
