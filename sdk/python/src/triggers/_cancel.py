"""Ending a call of the client that blocks: from another thread, or when its time is over."""
from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TypeVar

Result = TypeVar("Result")


class Cancelled(Exception):
    """Tells :class:`Cancel`'s users apart from what the work itself raised."""


class Late(Exception):
    """The time for some work is over."""


def run(work: Callable[[], Result], seconds: float, cancel: Cancel | None = None) -> Result:
    """What the work returns or raises. It runs in a thread of its own, which a caller leaves behind that is cancelled, or whose time is
    over: a read of a socket ends only with its data or its own time-out.

    :raises Late: after so many seconds
    :raises Cancelled:
    """
    outcome: Future[Result] = Future()
    context = contextvars.copy_context()
    with (cancel or Cancel())._waking() as woken:

        def body() -> None:
            try:
                outcome.set_result(context.run(work))
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                outcome.set_exception(error)
            woken.put(None)

        try:
            threading.Thread(target=body, name="triggers-call", daemon=True).start()
        except RuntimeError:
            # A program that ends starts no more threads, and what it has still to send is sent without.
            body()
        try:
            woken.get(timeout=min(seconds, threading.TIMEOUT_MAX))
        except Empty:
            raise Late from None
    if not outcome.done():
        raise Cancelled
    return outcome.result()


class Cancel:
    """Ends the calls that it was given to, at once and for good: ``triggers.send(event, cancel=cancel)``, and ``cancel.cancel()``
    in another thread, in a timer or in a signal handler."""

    def __init__(self) -> None:
        # Reentrant, as a put into a SimpleQueue is: a signal handler runs in the middle of any code of the main thread.
        self._lock = threading.RLock()
        self._cancelled = False
        self._waiting: set[SimpleQueue[None]] = set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        """End every call that has this, now and later."""
        with self._lock:
            self._cancelled = True
            for waiting in tuple(self._waiting):
                waiting.put(None)

    @contextmanager
    def _waking(self) -> Iterator[SimpleQueue[None]]:
        """What gets something when this is cancelled; the caller may have others put something in as well."""
        woken: SimpleQueue[None] = SimpleQueue()
        with self._lock:
            if self._cancelled:
                raise Cancelled
            self._waiting.add(woken)
        try:
            yield woken
        finally:
            with self._lock:
                self._waiting.discard(woken)

    def pause(self, seconds: float) -> None:
        """:raises Cancelled:"""
        with self._waking() as woken:
            try:
                woken.get(timeout=seconds)
            except Empty:
                return
            raise Cancelled
