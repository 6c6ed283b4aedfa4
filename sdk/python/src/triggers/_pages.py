"""Lists that are read page by page, as far as one iterates."""
from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")


def items_of(answer: dict[str, Any]) -> list[Any]:
    return next((value for value in answer.values() if isinstance(value, list)), [])


class Pages(Generic[Item]):
    """``for event in triggers.inbox(event_type="order.*"): …``"""

    def __init__(self, read: Callable[[str | None], dict[str, Any]], cursor: str | None) -> None:
        self._read = read
        self._cursor = cursor

    def pages(self) -> Iterator[tuple[list[Item], str | None]]:
        """Page by page, each with the cursor of the next. A page may be empty and still not the last."""
        cursor = self._cursor
        while True:
            answer = self._read(cursor)
            cursor = answer.get("next_cursor")
            yield items_of(answer), cursor
            if cursor is None:
                return

    def __iter__(self) -> Iterator[Item]:
        for items, _ in self.pages():
            yield from items

    def take(self, count: int) -> list[Item]:
        """The first so many, or all where there are fewer."""
        taken: list[Item] = []
        for item in self if count > 0 else ():
            taken.append(item)
            if len(taken) == count:
                break
        return taken


class AsyncPages(Generic[Item]):
    """``async for event in triggers.inbox(event_type="order.*"): …``"""

    def __init__(self, read: Callable[[str | None], Awaitable[dict[str, Any]]], cursor: str | None) -> None:
        self._read = read
        self._cursor = cursor

    async def pages(self) -> AsyncIterator[tuple[list[Item], str | None]]:
        """Page by page, each with the cursor of the next. A page may be empty and still not the last."""
        cursor = self._cursor
        while True:
            answer = await self._read(cursor)
            cursor = answer.get("next_cursor")
            yield items_of(answer), cursor
            if cursor is None:
                return

    async def __aiter__(self) -> AsyncIterator[Item]:
        async for items, _ in self.pages():
            for item in items:
                yield item

    async def take(self, count: int) -> list[Item]:
        """The first so many, or all where there are fewer."""
        taken: list[Item] = []
        if count < 1:
            return taken
        async for item in self:
            taken.append(item)
            if len(taken) == count:
                break
        return taken
