"""The names that a condition has must exist: a misspelt attribute under `not` would choose everyone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.condition import ATTRIBUTE, NOT_RECEIVED, RECEIVED, Condition, Leaf, Received, leaves, named_mailings
from ..errors import BadInput, FieldErrors
from ..texts import Text
from . import placeholders

if TYPE_CHECKING:
    from ..adapters.services import Services


def require_known_names(services: Services, condition: Condition | None, own_id: int | None = None) -> None:
    """Raises BadInput with the place of each attribute that no client has ever had, and of each unknown mailing.

    `own_id`: of the mailing that has the condition. It cannot ask for its own recipients.
    """
    if condition is None:
        return
    ids, names = named_mailings(condition), _attributes(condition)
    mailings = services.mailings.outlines(ids) if ids else {}
    known = services.labels.existing(placeholders.ATTRIBUTE, names) if names else set()
    errors: FieldErrors = {}
    for place, leaf in leaves(condition):
        if isinstance(leaf, Leaf):
            if leaf.field.startswith(ATTRIBUTE) and leaf.field.removeprefix(ATTRIBUTE) not in known:
                errors[_place(place, "field")] = [_unknown_attribute(services)]
        elif leaf.mailing_id == own_id:
            errors[_of_received(place, leaf)] = [Text("condition.own_mailing")]
        elif leaf.mailing_id not in mailings:
            errors[_of_received(place, leaf)] = [Text("condition.no_mailing", mailing=leaf.mailing_id)]
    if errors:
        raise BadInput(errors)


def _attributes(condition: Condition) -> set[str]:
    fields = [leaf.field for _, leaf in leaves(condition) if isinstance(leaf, Leaf)]
    return {field.removeprefix(ATTRIBUTE) for field in fields if field.startswith(ATTRIBUTE)}


def _of_received(place: tuple[str, ...], leaf: Received) -> str:
    return _place(place, RECEIVED if leaf.expected else NOT_RECEIVED)


def _place(place: tuple[str, ...], key: str) -> str:
    return ".".join(("filter", *place, key))


def _unknown_attribute(services: Services) -> Text:
    known = placeholders.suggested_placeholders(services)
    return Text("condition.no_attribute", known=", ".join(known)) if known else Text("condition.no_attributes")
