"""Who calls, and what their role allows."""

from __future__ import annotations

from dataclasses import dataclass

ADMIN = "admin"
READ = "read"
ROLES = (ADMIN, READ)


@dataclass(frozen=True)
class Principal:
    name: str
    role: str

    def may(self, writes: bool) -> bool:
        return self.role == ADMIN or (self.role == READ and not writes)
