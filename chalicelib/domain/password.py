"""Passwords are stored as scrypt hashes. Each hash has its own salt and cost, so the cost can be raised later."""

from __future__ import annotations

import base64
import hashlib
import hmac

LOG_N, R, P = 14, 8, 5
"""16 MB and about 0.25 s per hash. Source: OWASP Password Storage Cheat Sheet, scrypt with N=2^14."""

MAX_PASSWORD_LENGTH = 1024
MEMORY_LIMIT = 64 * 1024**2


def hash_password(password: str, salt: bytes) -> str:
    """`scrypt$14$8$5$<salt>$<hash>`, the last two in base64."""
    return _encode(LOG_N, R, P, salt, _hash(password, salt, LOG_N, R, P))


def password_matches(password: str, stored: str) -> bool:
    """The comparison takes the same time for a wrong and for the right password."""
    _, log_n, r, p, salt, _ = stored.split("$")
    raw_salt = base64.b64decode(salt)
    digest = _hash(password, raw_salt, int(log_n), int(r), int(p))
    return hmac.compare_digest(_encode(int(log_n), int(r), int(p), raw_salt, digest), stored)


def _hash(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    raw = password[:MAX_PASSWORD_LENGTH].encode("utf-8", "surrogatepass")
    return hashlib.scrypt(raw, salt=salt, n=2**log_n, r=r, p=p, maxmem=MEMORY_LIMIT, dklen=32)


def _encode(log_n: int, r: int, p: int, salt: bytes, digest: bytes) -> str:
    encoded = (base64.b64encode(part).decode() for part in (salt, digest))
    return "$".join(["scrypt", str(log_n), str(r), str(p), *encoded])
