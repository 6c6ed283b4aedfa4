"""Gathers events into requests, by number, size and time."""
from __future__ import annotations

import asyncio
import atexit
import signal
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Any

from .errors import TriggersError

#: Refusals for which one event of the request may be to blame: the others are sent without it.
BLAMES_EVENTS = frozenset({400, 413, 422})

MAX_EVENTS = 100
MAX_BYTES = 500_000
#: Seconds that the first event of a request waits for others.
MAX_WAIT = 0.2
#: Requests under way at once.
CONCURRENCY = 4

_Waiting = tuple[str, Any]


def _body(events: list[_Waiting]) -> str:
    return f"[{','.join(text for text, _ in events)}]"


def _after(error: BaseException, events: list[_Waiting]) -> list[list[_Waiting]]:
    """What to send in place of a refused request; events that are to blame, or can't be helped, get the error.

    A request is taken whole or not at all: what is wrong with one event must not cost the others.
    """
    if len(events) == 1 or not isinstance(error, TriggersError) or error.status not in BLAMES_EVENTS:
        for _, future in events:
            if not future.done():
                future.set_exception(error)
        return []
    bad = {detail["index"] for detail in error.details if detail.get("index", len(events)) < len(events)}
    if not bad:
        half = (len(events) + 1) // 2
        return [events[:half], events[half:]]
    for index in bad:
        own = [detail for detail in error.details if detail.get("index") == index]
        # What was said of the whole request does not hold for the others, which are sent.
        message = " ".join(detail["message"] for detail in own)
        told = TriggersError(
            error.code, message, status=error.status, details=own, request_id=error.request_id, docs=error.docs
        )
        if not events[index][1].done():
            events[index][1].set_exception(told)
    good = [event for index, event in enumerate(events) if index not in bad]
    return [good] if good else []


def _settle(accepted: Any, events: list[_Waiting]) -> None:
    answers = accepted if isinstance(accepted, list) else [accepted]
    if len(answers) != len(events):
        raise ValueError(f"{len(events)} events were sent, and {len(answers)} ids were answered.")
    for (_, future), answer in zip(events, answers):
        if not future.done():
            future.set_result(answer)


def _stop(*_: object) -> None:
    # Ends the program as an exception does: what is open closes, and what waits is sent.
    raise SystemExit(128 + signal.SIGTERM)


class _Gathering:
    """What both kinds of batch have: the events that wait, and when they are enough for a request."""

    def __init__(self, write: Callable[[Any], str], max_events: int, max_bytes: int, max_wait: float) -> None:
        self._write = write
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._max_wait = max_wait
        self._waiting: list[_Waiting] = []
        self._bytes = 2
        self._closed = False

    def _gather(self, text: str, future: Any) -> None:
        """:raises RuntimeError: after the batch was closed"""
        if self._closed:
            raise RuntimeError("This batch is closed.")
        size = len(text.encode()) + 1
        if self._waiting and self._bytes + size > self._max_bytes:
            self._hand_on()
        if not self._waiting:
            self._start_clock()
        self._waiting.append((text, future))
        self._bytes += size
        if len(self._waiting) >= self._max_events:
            self._hand_on()

    def _hand_on(self) -> None:
        if self._waiting:
            self._take(self._waiting)
        self._waiting = []
        self._bytes = 2

    def _start_clock(self) -> None:
        """The first event waits from now."""
        raise NotImplementedError

    def _take(self, events: list[_Waiting]) -> None:
        """Sends them as one request, soon."""
        raise NotImplementedError


class Batch(_Gathering):
    """Gathers events; threads send them.

    Every event that :meth:`add` took is sent, or its future tells why not: also when the program ends, by its end, an
    exception, Ctrl-C or SIGTERM. ``os._exit()`` runs no more code: close before it.
    """

    def __init__(
        self,
        send: Callable[[str], Any],
        write: Callable[[Any], str],
        *,
        max_events: int = MAX_EVENTS,
        max_bytes: int = MAX_BYTES,
        max_wait: float = MAX_WAIT,
        concurrency: int = CONCURRENCY,
        on_signals: bool = True,
    ) -> None:
        super().__init__(write, max_events, max_bytes, max_wait)
        self._send = send
        self._changed = threading.Condition()
        self._deadline = 0.0
        self._ready: deque[list[_Waiting]] = deque()
        self._under_way = 0
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(concurrency)]
        for thread in self._threads:
            thread.start()
        atexit.register(self.close)
        # Python ends at once on SIGTERM, and runs nothing: only where nobody decided otherwise, and only in the main thread.
        self._signals = (
            on_signals
            and threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        )
        if self._signals:
            signal.signal(signal.SIGTERM, _stop)

    def add(self, event: Any) -> Future[Any]:
        """:returns: a future of what the platform answers for this event, or of a ``TriggersError`` of it alone"""
        text = self._write(event)
        future: Future[Any] = Future()
        with self._changed:
            self._gather(text, future)
            self._changed.notify()
        return future

    def flush(self) -> None:
        """Send what waits, and return when all that was added is accepted or refused."""
        with self._changed:
            self._hand_on()
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._ready and not self._waiting and self._under_way == 0)

    def close(self) -> None:
        """Take no further events, and send those that wait."""
        with self._changed:
            self._closed = True
        self.flush()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        atexit.unregister(self.close)
        if self._signals and threading.current_thread() is threading.main_thread():
            if signal.getsignal(signal.SIGTERM) is _stop:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._signals = False

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start_clock(self) -> None:
        self._deadline = time.monotonic() + self._max_wait

    def _take(self, events: list[_Waiting]) -> None:
        self._ready.append(events)

    def _next(self) -> list[_Waiting] | None:
        with self._changed:
            while True:
                left = self._deadline - time.monotonic()
                if not self._ready and self._waiting and left <= 0:
                    self._hand_on()
                if self._ready:
                    self._under_way += 1
                    return self._ready.popleft()
                if self._closed and not self._waiting:
                    return None
                self._changed.wait(left if self._waiting else None)

    def _work(self) -> None:
        while (events := self._next()) is not None:
            groups = [events]
            while groups:
                group = groups.pop()
                try:
                    _settle(self._send(_body(group)), group)
                except Exception as error:  # noqa: BLE001 - each event's own future tells
                    groups.extend(_after(error, group))
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()


class AsyncBatch(_Gathering):
    """Gathers events; tasks send them. Every event that :meth:`add` took is sent, or its future tells why not: close it
    (``async with``) before the loop ends."""

    def __init__(
        self,
        send: Callable[[str], Awaitable[Any]],
        write: Callable[[Any], str],
        *,
        max_events: int = MAX_EVENTS,
        max_bytes: int = MAX_BYTES,
        max_wait: float = MAX_WAIT,
        concurrency: int = CONCURRENCY,
    ) -> None:
        super().__init__(write, max_events, max_bytes, max_wait)
        self._send = send
        self._turn = asyncio.Semaphore(concurrency)
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, event: Any) -> asyncio.Future[Any]:
        """:returns: a future of what the platform answers for this event, or of a ``TriggersError`` of it alone"""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._gather(self._write(event), future)
        return future

    async def flush(self) -> None:
        """Send what waits, and return when all that was added is accepted or refused."""
        self._hand_on()
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Take no further events, and send those that wait."""
        self._closed = True
        await self.flush()

    async def __aenter__(self) -> AsyncBatch:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _start_clock(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._max_wait, self._hand_on)

    def _take(self, events: list[_Waiting]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        task = asyncio.get_running_loop().create_task(self._post(events))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, events: list[_Waiting]) -> None:
        groups = [events]
        async with self._turn:
            while groups:
                group = groups.pop()
                try:
                    _settle(await self._send(_body(group)), group)
                except Exception as error:  # noqa: BLE001 - each event's own future tells
                    groups.extend(_after(error, group))
