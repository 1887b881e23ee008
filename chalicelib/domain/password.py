"""Passwords are stored as scrypt hashes. Each hash has its own salt and cost, so the cost can be raised later."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import NamedTuple


class Cost(NamedTuple):
    """The parameters of scrypt: N is 2 to the power of `log_n`."""

    log_n: int
    r: int
    p: int


COST = Cost(14, 8, 5)
"""16 MB and about 0.25 s per hash. Source: OWASP Password Storage Cheat Sheet, scrypt with N=2^14."""

MAX_PASSWORD_LENGTH = 1024
MEMORY_LIMIT = 64 * 1024**2


class Passwords:
    """Hashes new passwords at one cost, and checks passwords at the cost of their hashes."""

    def __init__(self, cost: Cost = COST) -> None:
        self._cost = cost

    def hash(self, password: str, salt: bytes) -> str:
        """`scrypt$14$8$5$<salt>$<hash>`, the last two in base64."""
        return _encode(self._cost, salt, _hash(password, salt, self._cost))

    def match(self, password: str, stored: str | None) -> bool:
        """`stored`: the hash of a user, or None if there is no such user.

        The check takes the same time for any password and for a user that does not exist, so that the response time
        does not reveal which users exist.
        """
        _, log_n, r, p, salt, _ = (stored or _encode(self._cost, bytes(16), bytes(32))).split("$")
        cost, raw_salt = Cost(int(log_n), int(r), int(p)), base64.b64decode(salt)
        return hmac.compare_digest(_encode(cost, raw_salt, _hash(password, raw_salt, cost)), stored or "")


def _hash(password: str, salt: bytes, cost: Cost) -> bytes:
    raw = password[:MAX_PASSWORD_LENGTH].encode("utf-8", "surrogatepass")
    n = 2**cost.log_n
    return hashlib.scrypt(raw, salt=salt, n=n, r=cost.r, p=cost.p, maxmem=MEMORY_LIMIT, dklen=32)


def _encode(cost: Cost, salt: bytes, digest: bytes) -> str:
    encoded = (base64.b64encode(part).decode() for part in (salt, digest))
    return "$".join(["scrypt", *map(str, cost), *encoded])
