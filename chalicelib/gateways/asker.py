"""Ask a provider what became of messages, by the ids that it has given. For providers without usable reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from .answer import Answer
from .port import Options, Request, Secret
from .receipts.port import AskedForm, Reports


@dataclass(frozen=True)
class Asker:
    """`post`: an exchange over HTTP within so many seconds, whose errors become an answer."""

    form: AskedForm
    options: Options
    secret: Secret
    post: Callable[[Request, float], Answer]

    def ask(self, asked: Mapping[str, int], now: datetime, timeout: float) -> Reports | None:
        """`asked`: the provider's ids, at most `most`, with ours. Returns None without an answer that can be read."""
        request = self.form.request(self.options, self.secret.value(), list(asked))
        reports = self.form.read(self.post(request, timeout), asked, now)
        if reports is None:
            self.secret.expire()  # the answer may refuse it
        return reports

    @property
    def most(self) -> int:
        """Messages in one call."""
        return self.form.MOST
