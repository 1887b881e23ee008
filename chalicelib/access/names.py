"""Names of users and of tokens. The audit log shows both as authors, so no two authors may share a name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..domain.unicode_text import compose, has_unseen
from ..errors import BadInput
from ..texts import Text
from .audit import RESERVED_NAMES

if TYPE_CHECKING:
    from ..adapters.services import Services
    from ..domain.principal import Token

USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
MAX_TOKEN_NAME = 64
TOKENS_PER_READ = 100


def read_token_name(services: Services, given: str) -> str:
    """The name of a new token. Raises BadInput if it is empty, too long, has unseen characters, or is taken.

    Users are found by their exact name and by the name in small letters.
    """
    name = compose(given).strip()
    if not 0 < len(name) <= MAX_TOKEN_NAME:
        raise _refused(Text("access.token_name", most=MAX_TOKEN_NAME))
    if has_unseen(name):
        raise _refused(Text("access.unseen_characters"))
    _require_not_reserved(name)
    if any(
        USER_NAME.fullmatch(one) and services.users.find(one)
        for one in {unicodedata.normalize("NFKC", name), _key(name)}
    ):
        raise _refused(Text("access.name_of_user"))
    return name


def require_user_name(name: str) -> None:
    """Raises BadInput if no user may have this name."""
    if not USER_NAME.fullmatch(name):
        raise _refused(Text("access.user_name"))
    _require_not_reserved(name)


def require_name_of_no_token(services: Services, user_name: str) -> None:
    """Raises BadInput if a token that is not revoked has the name of this new user."""
    if any(_key(token.principal.name) == _key(user_name) for token in _tokens(services) if token.revoked_at is None):
        raise _refused(Text("access.name_of_token"))


def _require_not_reserved(name: str) -> None:
    if _key(name) in RESERVED_NAMES:
        raise _refused(Text("access.name_reserved"))


def _key(name: str) -> str:
    """Equal for names that look alike: capital and small letters, full-width letters, all kinds of spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _tokens(services: Services) -> Iterator[Token]:
    before = None
    while found := services.tokens.newest(TOKENS_PER_READ, before):
        yield from found
        before = found[-1].created_at


def _refused(text: Text) -> BadInput:
    return BadInput({"name": [text]})
