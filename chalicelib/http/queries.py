"""Query parameters: their values, and the refusal of those that an address does not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalice.app import Request

from ..domain.unicode_text import compose
from ..errors import BadInput, FieldErrors
from ..rules import REPEATED
from ..texts import Text


def query_of(request: Request) -> dict[str, str]:
    """The last value of each query parameter, composed."""
    return {name: compose(value) for name, value in (request.query_params or {}).items()}


def read_flag(query: Mapping[str, str], name: str) -> bool:
    """An absent or blank parameter means false. Raises BadInput."""
    value = query.get(name) or "false"
    if value not in ("true", "false"):
        raise BadInput({name: [Text("query.flag")]})
    return value == "true"


def require_known_query(request: Request, known: Sequence[str]) -> None:
    """Refuses unknown and repeated parameters by name: a misspelt filter must not reach everyone. Raises BadInput."""
    sent = request.query_params
    if not sent:
        return
    expected = Text("query.unknown", known=", ".join(known)) if known else Text("query.none")
    errors: FieldErrors = {name: [expected] for name in sent if name not in known}
    errors |= {name: [REPEATED] for name in sent if name in known and len(sent.getlist(name)) > 1}
    if errors:
        raise BadInput(errors)
