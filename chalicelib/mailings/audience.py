"""Count the clients that a filter chooses now, in total and by time zone and operator code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

from ..clients.recipients import choose, plan_now
from ..domain.audience import Group, Plan, Read
from ..domain.client import BLOCK_SIZE, MAX_CLIENT_ID
from ..domain.consent import MARKETING
from ..domain.filter import AudienceMember, Filter, member_fields
from ..domain.spread import spread
from ..domain.walk import HasTime, time_limit
from ..texts import Text

if TYPE_CHECKING:
    from ..adapters.services import Services

COUNT_TIME_LIMIT = timedelta(seconds=5)
"""A count that takes longer stops, and its result is a lower bound. A person waits for the answer."""

GROUPS_TIME_LIMIT = timedelta(seconds=3)
"""Reading the clients takes at most this time, and one read more. What was read of a larger audience is a sample."""

SAMPLE = 10_000
"""Clients of a sample: a share of the audience that is one half differs by less than one in a hundred."""

READ_LIMIT = BLOCK_SIZE + 1
"""Clients of one read of a partition. With one more than a block has, DynamoDB says that it was its end."""

COUNTED_IDS = 500_000
"""Client ids of one count: of one label in one shard of an index, a second."""

PAGE = 1000
THREADS = 8
"""Reads at once. A preview mostly waits for its reads; one of everyone has one for each thousand clients."""


@dataclass(frozen=True)
class Audience:
    """The number of `clients` that are reached, and its groups, which add up to it.

    `is_whole`: the number is exact; otherwise it is a lower bound. `is_sampled`: the groups are an estimate from a
    sample across the audience.
    """

    clients: int
    is_whole: bool
    is_sampled: bool
    groups: Counter[Group]

    @property
    def by_timezone(self) -> dict[str, int]:
        return self._by(0)

    @property
    def by_operator_code(self) -> dict[str, int]:
        return self._by(1)

    def _by(self, position: int) -> dict[str, int]:
        """Numbers by one part of the groups, the largest first."""
        found = Counter[str]()
        for group, number in self.groups.items():
            found[group[position]] += number
        return dict(found.most_common())


def reached_by(services: Services, chosen: Filter, purpose: str) -> Filter:
    """The filter as a count of a mailing with this purpose needs it."""
    return replace(chosen, needs_consent=services.settings.require_consent and purpose == MARKETING)


def count_audience(services: Services, chosen: Filter) -> tuple[int, bool]:
    """The number of clients that the filter reaches, and whether it is exact. DynamoDB returns counts only."""
    return _count(services, chosen, plan_now(services, chosen), {})


def sample_in_words(sampled: int, clients: int, is_whole: bool) -> Text:
    """Of how many clients a statement about a sample is. `clients`, `is_whole`: as `count_audience` returns them."""
    if is_whole and clients <= sampled:
        return Text("sample.of_all", of=sampled)
    least = Text("at_least", number=max(clients, sampled))
    return Text("sample.of_first", of=sampled, clients=clients if is_whole else least)


def reaches_more_than(services: Services, chosen: Filter, number: int, has_time: HasTime) -> bool:
    """False also if the time is up before so many clients are found."""
    plan, found = plan_now(services, chosen), 0
    for read in plan.ranges(chosen, max(number, PAGE)):
        if chosen.has_condition:
            found += _count_members(services, chosen, plan, read, has_time) or 0
        else:
            found += services.clients.count(read[0], chosen, read[1], read[2])
        if found > number or not has_time():
            break
    return found > number


def group_audience(services: Services, chosen: Filter) -> Audience:
    """Read all clients that the filter reaches if they are few, or a sample across a large audience."""
    plan = plan_now(services, chosen)
    has_time = time_limit(services.clock.now, GROUPS_TIME_LIMIT.total_seconds())
    groups, whole, is_exact = _read_groups(services, chosen, plan, list(plan.ranges(chosen, MAX_CLIENT_ID)), has_time)
    if not is_exact and plan.by != "block" and has_time():  # of each shard of a label only the first clients were read
        groups, whole, is_exact = _read_groups(services, chosen, plan, list(plan.reads(chosen)), has_time)
    if is_exact:
        return Audience(groups.total(), True, False, groups)
    total, is_whole = _count(services, chosen, plan, whole)
    return Audience(total, is_whole, True, _scaled(groups, total))


def _count(services: Services, chosen: Filter, plan: Plan, known: Mapping[Read, int]) -> tuple[int, bool]:
    """`known`: the numbers of some reads, which are not counted again."""
    has_time = time_limit(services.clock.now, COUNT_TIME_LIMIT.total_seconds())

    def count(read: Read) -> int | None:
        if read in known:
            return known[read]
        if not has_time():
            return None
        if not chosen.has_condition:
            return services.clients.count(read[0], chosen, read[1], read[2])
        return _count_members(services, chosen, plan, read, has_time)

    with services.thread_pool(THREADS) as threads:
        numbers = list(threads.map(count, plan.ranges(chosen, COUNTED_IDS)))
    return sum(number or 0 for number in numbers), None not in numbers


def _count_members(services: Services, chosen: Filter, plan: Plan, read: Read, has_time: HasTime) -> int | None:
    """The number of chosen clients of one read. DynamoDB cannot compare attributes, nor know recipients: they are read.

    None if the time is up.
    """
    partition, first, last = read
    number = 0
    while True:
        members = _read_members(services, chosen, (partition, first, last), PAGE)
        number += len(_reached(services, chosen, plan, members))
        if len(members) < PAGE:
            return number
        if not has_time():
            return None
        first = members[-1].id + 1


def _groups(services: Services, chosen: Filter, plan: Plan, read: Read) -> tuple[Counter[Group], bool]:
    """The groups of the first READ_LIMIT clients of one read, and whether these are all."""
    if not chosen.has_condition:
        return services.clients.groups(chosen, read, READ_LIMIT)
    members = _read_members(services, chosen, read, READ_LIMIT)
    reached = _reached(services, chosen, plan, members)
    return Counter((one.timezone, one.operator_code) for one in reached), len(members) < READ_LIMIT


def _read_members(services: Services, chosen: Filter, read: Read, limit: int) -> list[AudienceMember]:
    partition, first, last = read
    fields = list({*member_fields(chosen, has_local_hours=True), "phone_number", "opted_out_at", *_of_consent(chosen)})
    return services.clients.read_members(partition, first - 1, last, limit, fields, must_be_current=False)


def _of_consent(chosen: Filter) -> tuple[str, ...]:
    return ("consent_at", "consent_withdrawn_at") if chosen.needs_consent else ()


def _reached(services: Services, chosen: Filter, plan: Plan, members: Sequence[AudienceMember]) -> list[AudienceMember]:
    return choose(services, chosen, plan.named, list(filter(chosen.may_be_texted, members)))


def _read_groups(
    services: Services, chosen: Filter, plan: Plan, reads: Sequence[Read], has_time: HasTime
) -> tuple[Counter[Group], dict[Read, int], bool]:
    """The groups of the clients read, the numbers of the reads that came to their end, and whether all did.

    The reads are spread, so any part of them is a sample.
    """
    spread_reads = [reads[index] for index in sorted(range(len(reads)), key=spread)]
    groups, whole, begin = Counter[Group](), dict[Read, int](), 0
    with services.thread_pool(THREADS) as threads:
        while begin < len(reads) and has_time() and groups.total() < SAMPLE:
            wave = spread_reads[begin : begin + _reads_needed(begin, groups.total())]
            answers = threads.map(lambda read: _groups(services, chosen, plan, read), wave)
            for read, (found, is_last) in zip(wave, answers, strict=True):
                groups.update(found)
                whole.update({read: found.total()} if is_last else {})
            begin += len(wave)
    return groups, whole, len(whole) == len(reads)


def _reads_needed(reads: int, found: int) -> int:
    """How many reads to make at once: as many as the rest of the sample needs, by what so many reads have found."""
    return min(THREADS, ceil((SAMPLE - found) * reads / found)) if found else THREADS


def _scaled(groups: Counter[Group], total: int) -> Counter[Group]:
    """The groups in whole numbers with this total. The remainder goes to the groups with the largest fractions."""
    sample = groups.total()
    if not sample:
        return Counter()
    exact = {group: number * total / sample for group, number in groups.items()}
    scaled = Counter({group: int(number) for group, number in exact.items()})
    by_loss = sorted(exact, key=lambda group: scaled[group] - exact[group])
    scaled.update(by_loss[: total - scaled.total()])
    return scaled
