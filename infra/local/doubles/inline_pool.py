"""A thread pool without threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

T = TypeVar("T")


class InlinePool(Executor):
    """Runs each call at once, so that the calls of a simulation have the same order in every run."""

    def map(self, function: Callable[..., T], *iterables: Iterable[Any], **_: Any) -> Iterator[T]:
        """As in threads, every call is made, and the first error is raised. Futures would take as long as the calls."""
        results: list[T] = []
        errors: list[BaseException] = []
        for arguments in zip(*iterables, strict=False):
            try:
                results.append(function(*arguments))
            except BaseException as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return iter(results)

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **named))
        except BaseException as error:  # as in a thread: the caller meets it when it asks for the result
            future.set_exception(error)
        return future
