"""Which requests the local servers answer: those of programs on this machine, and of the servers' own pages.

The keys, the token and the password of the local stack are published. Without this rule any web page in the developer's
browser could use them: by requests to 127.0.0.1, or by a host name that points there (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

HOSTS = ("127.0.0.1", "localhost", "0.0.0.0")  # noqa: S104
OWN_SITES = {"same-origin", "none"}
"""Values of Sec-Fetch-Site: a page of the same origin; an address that a person has entered."""

NAMING_HOSTS = {"127.0.0.1", "localhost"}
"""Hosts to which browsers send Sec-Fetch-Site over HTTP: potentially trustworthy ones (Fetch Metadata, 2)."""

BROWSER = "mozilla/"
HTTP_PORT = 80


@dataclass(frozen=True)
class OwnOrigins:
    """The addresses of a server: its own port comes first; the others are those of proxies that forward to it.

    `name` is a further host name, that of a container.
    """

    ports: tuple[int, ...]
    name: str = ""

    def refusal(self, headers: Iterable[tuple[str, str]]) -> str | None:
        """What the sender of these headers must do instead, or None if the request is allowed."""
        values = [(name.lower(), value.strip().lower()) for name, value in headers]
        hosts = [value for name, value in values if name == "host"]
        if len(hosts) != 1 or hosts[0] not in self._hosts():
            addresses = ", ".join(f"http://{host}:{self.ports[0]}" for host in self._names())
            return f"This server has other addresses than the one in this request. Use one of these: {addresses}."
        if not _is_own(hosts[0], values):
            return (
                "This server answers programs and its own pages, and no requests or links of other web pages. "
                f"In a browser, enter http://{HOSTS[0]}:{self.ports[0]} as the address."
            )
        return None

    def _names(self) -> tuple[str, ...]:
        return (*HOSTS, self.name) if self.name else HOSTS

    def _hosts(self) -> Iterator[str]:
        for name in self._names():
            yield from (f"{name}:{port}" for port in self.ports)
            if HTTP_PORT in self.ports:
                yield name


def _is_own(host: str, values: list[tuple[str, str]]) -> bool:
    """Whether a program or a page of this host sent the request. Programs send neither Origin nor Sec-Fetch-Site."""
    sites = {value for name, value in values if name == "sec-fetch-site"}
    origins = {value for name, value in values if name == "origin"}
    agents = [value for name, value in values if name == "user-agent"]
    is_browser = any(agent.startswith(BROWSER) for agent in agents)
    if is_browser and not sites and host.partition(":")[0] not in NAMING_HOSTS:
        return False
    return sites <= OWN_SITES and origins <= {f"http://{host}"}
