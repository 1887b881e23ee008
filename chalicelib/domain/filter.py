"""The filter of a mailing, and the client as it reads one: which clients are chosen."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property

from . import condition as conditions
from .client import MAX_LABEL, Client, consent_that_counts, operator_code_of
from .condition import Condition
from .segment import Segment
from .unicode_text import compose, spellings

MAX_TAGS = 500
MAX_TAGS_SIZE = 16 * 1024
"""Bytes of the tags of a filter in UTF-8. The kept answer of a request can have them twice, as the filter and in a
warning, in JSON with up to six bytes for one. An item of DynamoDB has at most 400 KB."""


@dataclass(frozen=True)
class Filter:
    """Without tags: clients with any tag or none. Without operator codes: clients with any code. Tags are composed.
    Without a condition or a segment: clients that meet any. The client has to fit all four.
    `needs_consent`: of the chosen clients, only those with a consent to marketing are reached.
    """

    tags: tuple[str, ...] = ()
    operator_codes: tuple[str, ...] = ()
    condition: Condition | None = None
    needs_consent: bool = False
    segment: Segment | None = None

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """The client has to meet all of them. That of a segment which is not looked up is left out.

        It is kept, as `by_index` is: a fan-out asks for them for each client and each slice.
        """
        of_segment = self.segment.condition if self.segment else None
        return tuple(condition for condition in (self.condition, of_segment) if condition is not None)

    @property
    def has_condition(self) -> bool:
        return self.condition is not None or self.segment is not None

    @property
    def stored_tags(self) -> list[str]:
        """The tags as rows can have them: composed, and then as earlier versions stored some."""
        return list(dict.fromkeys([*self.tags, *(other for tag in self.tags for other in stored_spellings(tag))]))

    @property
    def named_mailings(self) -> list[int]:
        """The ids of the mailings whose recipients the condition asks for."""
        return list(dict.fromkeys(number for one in self.conditions for number in conditions.named_mailings(one)))

    @cached_property
    def _all_conditions(self) -> Condition:
        return conditions.Group(conditions.ALL, self.conditions)

    @cached_property
    def by_index(self) -> Filter | None:
        """The tags and operator codes of which each chosen client has one, without a condition: what an index serves.

        None if no client can be chosen.
        """
        if not self.has_condition:
            return self
        tags = _narrowed(self.tags, conditions.necessary(self._all_conditions, conditions.TAG))
        codes = _narrowed(self.operator_codes, conditions.necessary(self._all_conditions, conditions.OPERATOR_CODE))
        return None if tags is None or codes is None else Filter(tags, codes)

    def decide(self, client: Client | AudienceMember, received: Collection[int] | None) -> bool | None:
        """Whether the client is chosen. `received`: the ids of the named mailings that it received; None if they are
        not known yet: then the decision is None if it depends on them.
        """
        if self.tags and compose(client.tag or "") not in self.tags:
            return False
        if self.operator_codes and client.operator_code not in self.operator_codes:
            return False
        if self.segment is not None and self.segment.condition is None:
            return False
        return conditions.decide(self._all_conditions, client, received) if self.has_condition else True

    def chooses(self, client: Client | AudienceMember, received: Collection[int] = ()) -> bool:
        """As `decide`, by what is known."""
        return self.decide(client, received) is True

    def may_be_texted(self, client: Client | AudienceMember) -> bool:
        """Whether a chosen client gets its message: it has not opted out, and has a consent if that is needed."""
        return client.opted_out_at is None and (not self.needs_consent or client.consent is not None)

    def reaches(self, client: Client) -> bool:
        """Whether the client is chosen, by what is known, and may be texted."""
        return self.may_be_texted(client) and self.chooses(client)


ALL_CLIENTS = Filter()


@dataclass(frozen=True)
class AudienceMember:
    """A client as the fan-out reads it. A field that the mailing does not need is not read and has its default."""

    id: int
    phone_number: str = ""
    tag: str | None = None
    timezone: str = "UTC"
    attributes: Mapping[str, str] = field(default_factory=dict)
    registered_at: datetime | None = None
    opted_out_at: datetime | None = None
    consent_at: datetime | None = None
    consent_withdrawn_at: datetime | None = None

    @property
    def operator_code(self) -> str:
        return operator_code_of(self.phone_number)

    @property
    def consent(self) -> datetime | None:
        return consent_that_counts(self.consent_at, self.consent_withdrawn_at)


MEMBER_FIELDS = tuple(item.name for item in fields(AudienceMember) if item.name != "id")


def member_fields(chosen: Filter, has_local_hours: bool) -> list[str]:
    """The fields of an AudienceMember that the fan-out of a mailing needs, beside its id."""
    is_needed = {
        "phone_number": bool(chosen.operator_codes),
        "tag": bool(chosen.tags),
        "timezone": has_local_hours,
    }
    of_condition = {name for one in chosen.conditions for name in conditions.needed_fields(one)}
    return [name for name in MEMBER_FIELDS if is_needed.get(name) or name in of_condition]


def _narrowed(given: tuple[str, ...], necessary: Collection[str] | None) -> tuple[str, ...] | None:
    """The labels that are both given and necessary, in a fixed order. Without given ones any label is; None if the
    rest allows no label.
    """
    if necessary is None:
        return given
    return tuple(label for label in given or sorted(necessary) if label in necessary) or None


def stored_spellings(label: str) -> list[str]:
    """The spellings that a row can have. A longer one was never stored, and may be longer than a key of DynamoDB."""
    return [spelling for spelling in spellings(label) if len(spelling) <= MAX_LABEL]
