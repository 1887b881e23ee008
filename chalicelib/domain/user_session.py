"""A session of a user in the console, as the list of sessions shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

OTHER_BROWSER = "another program"
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "YaBrowser/": "Yandex Browser",
    "SamsungBrowser/": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "Chrome/": "Chrome",
    "CriOS/": "Chrome",
    "Safari/": "Safari",
}
"""By a word of User-Agent, the first that is found: most browsers also name those that they resemble."""

SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


@dataclass(frozen=True)
class UserSession:
    """`id` is a digest: it cannot be used to sign in. `seen_at` is accurate to some minutes."""

    id: str
    began_at: datetime
    seen_at: datetime
    address: str
    browser: str


def browser_of(user_agent: str) -> str:
    """Such as `Firefox, Linux`. A browser may send any text, so only known names are kept."""
    browser = next((name for word, name in BROWSERS.items() if word in user_agent), OTHER_BROWSER)
    system = next((name for word, name in SYSTEMS.items() if word in user_agent), None)
    return f"{browser}, {system}" if system else browser
