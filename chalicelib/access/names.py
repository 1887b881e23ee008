"""Names of users and of tokens. The audit log shows both as authors, so no two authors may share a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from unicodedata import normalize

from ..domain.audit_record import Author
from ..domain.look_alikes import look_alike
from ..domain.unicode_text import compose, has_unseen
from ..errors import BadInput
from ..texts import Text
from .audit import RESERVED_NAMES, author_of

if TYPE_CHECKING:
    from ..adapters.services import Services
    from ..domain.principal import Token

USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
MAX_TOKEN_NAME = 64
TOKENS_PER_READ = 100


def read_token_name(services: Services, given: str) -> str:
    """The name of a new token. Raises BadInput if it is empty, too long, has unseen characters or is a user's."""
    name = compose(given).strip()
    if not 0 < len(name) <= MAX_TOKEN_NAME:
        raise _refused(Text("access.token_name", most=MAX_TOKEN_NAME))
    if has_unseen(name):
        raise _refused(Text("access.unseen_characters"))
    _require_not_reserved(name)
    _require_name_of_no_user(services, name)
    return name


def require_user_name(name: str) -> None:
    """Raises BadInput if no user may have this name."""
    if not USER_NAME.fullmatch(name):
        raise _refused(Text("access.user_name"))
    _require_not_reserved(name)


def author_by_hand(services: Services, function: str, person: object = None) -> Author:
    """The author of a change that a person makes by invoking a function: `manage_tokens (anna)`.

    `person`: the name that the caller gives. AWS does not tell a function its caller; CloudTrail can record it.
    Raises BadInput.
    """
    if person is None:
        return author_of(services, function)
    if not isinstance(person, str) or not USER_NAME.fullmatch(person):
        raise BadInput({"by": [Text("access.user_name")]})
    return author_of(services, f"{function} ({person})")


def require_free_name(services: Services, user_name: str) -> None:
    """Raises BadInput if another user, or a token that is not revoked, has the name of this new user."""
    _require_name_of_no_user(services, user_name)
    if any(look_alike(token.principal.name, user_name) for token in _tokens(services) if token.revoked_at is None):
        raise _refused(Text("access.name_of_token"))


def _require_name_of_no_user(services: Services, name: str) -> None:
    if any(look_alike(user_name, name) for user_name in services.users.names()):
        raise _refused(Text("access.name_of_user"))


def _require_not_reserved(name: str) -> None:
    """No name begins with the name of a function either: such authors are `manage_tokens (anna)`."""
    names = (name, re.split(r"\W", normalize("NFKC", name), maxsplit=1)[0])
    if any(look_alike(reserved, given) for reserved in RESERVED_NAMES for given in names):
        raise _refused(Text("access.name_reserved"))


def _tokens(services: Services) -> Iterator[Token]:
    before = None
    while found := services.tokens.newest(TOKENS_PER_READ, before):
        yield from found
        before = found[-1].created_at


def _refused(text: Text) -> BadInput:
    return BadInput({"name": [text]})
