"""Phone numbers in the console, as the user's role may see them. For a program the viewer is None."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..domain.client import Client
from ..domain.client_import import RefusedRow
from ..domain.csv_file import FileFormat
from ..domain.masking import mask_digits, mask_phones
from ..domain.message import Message
from ..domain.principal import Principal
from ..domain.sealed_number import seal, unseal
from ..domain.stop import FIRST_POSITION, Position

if TYPE_CHECKING:
    from ..adapters.services import Services

Show = Callable[[str], str]


def sees_phones(viewer: Principal | None) -> bool:
    return viewer is None or viewer.sees_phones


def shown_to(viewer: Principal | None) -> Show:
    """How a text is shown that is a phone number or may have one."""
    return str if sees_phones(viewer) else mask_phones


def fields_shown(viewer: Principal | None, fields: Mapping[str, object]) -> dict[str, object]:
    """A row of a file, with its texts as they are shown."""
    show = shown_to(viewer)
    return {name: show(value) if isinstance(value, str) else value for name, value in fields.items()}


def client_shown(viewer: Principal | None, client: Client) -> Client:
    """The client of an example of a text."""
    show = shown_to(viewer)
    attributes = {name: show(value) for name, value in client.attributes.items()}
    return replace(client, phone_number=show(client.phone_number), attributes=attributes)


def phones_of(services: Services, viewer: Principal, messages: Sequence[Message]) -> dict[int, str]:
    """By client id. One call reads a hundred; deleted clients are left out."""
    if not messages:
        return {}
    found = services.clients.get_many([message.client_id for message in messages])
    show = shown_to(viewer)
    return {client.id: show(client.phone_number) for client in found.values()}


def cells_shown(viewer: Principal | None, form: FileFormat, row: RefusedRow) -> Mapping[str, str]:
    """The cells of a refused row. Its phone number may be a wrong one that no pattern finds."""
    if sees_phones(viewer):
        return row.cells
    meanings = dict(zip(form.labels, form.columns, strict=True))
    return {
        name: (mask_digits if meanings.get(name) == "phone_number" else mask_phones)(cell)
        for name, cell in row.cells.items()
    }


def position_shown(services: Services, viewer: Principal | None, position: Position | None) -> Position | None:
    """A position in the stop list as an address may tell it: the position has a phone number."""
    if position is None or sees_phones(viewer):
        return position
    return position[0], seal(position[1], services.session_key.value().encode(), position[0])


def position_meant(services: Services, viewer: Principal | None, position: Position | None) -> Position | None:
    """The position that `position_shown` has turned into this one."""
    if position in (None, FIRST_POSITION) or sees_phones(viewer):
        return position
    return position[0], unseal(position[1], services.session_key.value().encode(), position[0])
