"""The two clients. They have the same methods; those of ``AsyncTriggers`` are awaited."""
from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Generic, TypeVar, cast

import httpx

from ._batch import CONCURRENCY, MAX_BYTES, MAX_EVENTS, MAX_WAIT, AsyncBatch, Batch
from ._cancel import Cancel, Cancelled, Late, run
from ._pages import AsyncPages, Pages
from ._transport import Call, Send, options_of, path_of, plan, read_json, write_json
from .contract import Delivery, InboxEvent, NewSubscription, Replay, Subscription, SubscriptionRequest
from .errors import TriggersCancelledError
from .verify import DEFAULT_TOLERANCE_SECONDS, verify

Json = Any
Http = TypeVar("Http", httpx.Client, httpx.AsyncClient)


class _Client(Generic[Http]):
    #: Makes the HTTP client where none is given.
    _new_http: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        api_key: str | None = None,
        url: str | None = None,
        *,
        timeout: float = 30.0,
        retries: int = 4,
        max_wait: float = 60.0,
        lossless: bool = False,
        webhook_secrets: str | list[str] | tuple[str, ...] = (),
        proxy: str | None = None,
        http_client: Http | None = None,
    ) -> None:
        """
        :param api_key: ``trg_<live|sandbox>_…``; by default the variable ``TRIGGERS_API_KEY``
        :param url: of the platform; by default the variable ``TRIGGERS_URL``, or the platform on this machine
        :param timeout: seconds for one attempt, answer included
        :param retries: attempts after the first
        :param max_wait: a request is not repeated when that would mean to wait longer, seconds
        :param lossless: decimals come as ``decimal.Decimal``, with every digit; integers always have theirs
        :param webhook_secrets: for :meth:`verify`, ``whsec_…``
        :param proxy: ``http://host:port``; by default what ``HTTP_PROXY`` and ``HTTPS_PROXY`` say
        :param http_client: in place of one of its own
        :raises TypeError: without a key, or with an address that is none
        """
        self._options = options_of(api_key, url, timeout, retries, max_wait, lossless, webhook_secrets)
        self._http: Http = http_client or self._new_http(proxy=proxy, follow_redirects=False)

    @property
    def url(self) -> str:
        """Of the platform, without a slash at the end."""
        return self._options.url

    def verify(
        self,
        body: str | bytes,
        headers: Mapping[str, str],
        secrets: str | Iterable[str] | None = None,
        *,
        tolerance_seconds: float = DEFAULT_TOLERANCE_SECONDS,
        now: float | None = None,
    ) -> Json:
        """Check that a webhook comes from the platform; see ``triggers.verify``.

        :returns: its body, read from JSON: a list of events, or of payloads
        :raises WebhookVerificationError: with its ``reason``
        """
        own = self._options.webhook_secrets if secrets is None else secrets
        if not own:
            raise TypeError("Give webhook_secrets to the client, or secrets to this call.")
        text = verify(body, headers, own, tolerance_seconds=tolerance_seconds, now=now)
        return read_json(text, self._options.lossless)

    @staticmethod
    def _call(
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        query: Mapping[str, Any] | None,
        body: Json,
        options: Mapping[str, Any],
    ) -> Call:
        text = None if body is None else write_json(body)
        return Call(method, path_of(path, params, query), text, **options)


class Triggers(_Client[httpx.Client]):
    """A client of the platform. Keep one; close it (``with``) when it is no longer needed."""

    _new_http = httpx.Client

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Triggers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _carry_out(self, call: Call) -> Json:
        steps = plan(self._options, call)
        answer: Any = None
        key: str | None = None
        try:
            while True:
                step = steps.send(answer)
                if isinstance(step, Send):
                    key = step.headers.get("idempotency-key")
                    answer = self._attempt(step, call.cancel)
                elif call.cancel is None:
                    time.sleep(step.seconds)
                else:
                    call.cancel.pause(step.seconds)
        except StopIteration as end:
            return end.value
        except Cancelled:
            raise TriggersCancelledError(key) from None

    def _attempt(self, step: Send, cancel: Cancel | None) -> httpx.Response | httpx.TransportError:
        left = threading.Event()
        try:
            return run(lambda: self._request(step, left), step.timeout, cancel)
        except httpx.TransportError as error:
            return error
        except Late:
            return httpx.ReadTimeout("The time for the whole answer is over.")
        finally:
            left.set()

    def _request(self, step: Send, left: threading.Event) -> httpx.Response:
        """:param left: set once nobody waits any more: then no more of an answer is read that comes in drops"""
        with self._http.stream(
            step.method, step.url, headers=step.headers, content=step.content, timeout=step.timeout
        ) as response:
            chunks = []
            for chunk in response.iter_raw():
                if left.is_set():
                    raise Late
                chunks.append(chunk)
        return httpx.Response(
            response.status_code, headers=response.headers, content=b"".join(chunks), request=response.request
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Json = None,
        **options: Any,
    ) -> Json:
        """Any call of the API: ``triggers.call("GET", "/keys/{id}", params={"id": "key_…"})``.

        Every call also takes ``timeout``, ``retries``, ``idempotency_key`` and ``cancel``, a :class:`triggers.Cancel`.

        :raises TriggersError, TriggersConnectionError, TriggersCancelledError:
        """
        return self._carry_out(self._call(method, path, params, query, body, options))

    def list(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Pages[Any]:
        """Any list of the API, read page by page: ``for key in triggers.list("/keys"): …``"""
        asked = dict(query or {})
        read = lambda cursor: self.call("GET", path, params=params, query={**asked, "cursor": cursor}, **options)  # noqa: E731
        return Pages(read, asked.get("cursor"))

    def send(self, events: Json, **options: Any) -> Json:
        """Send one event (a dict), or up to 1,000 that are accepted together or not at all (a list).

        Under one idempotency key, so that a broken connection never makes two events of one.

        :returns: ``{"event_id", "status"}`` of the event, or a list of those, in order
        :raises TriggersError, TriggersConnectionError, TriggersCancelledError:
        """
        return self.send_text(write_json(events), **options)

    def send_text(self, text: str, **options: Any) -> Json:
        """The same for JSON text, whose every character is kept."""
        answer = self._carry_out(Call("POST", "/events", text, **options))
        return answer["events"] if "events" in answer else answer

    def batch(
        self,
        *,
        max_events: int = MAX_EVENTS,
        max_bytes: int = MAX_BYTES,
        max_wait: float = MAX_WAIT,
        concurrency: int = CONCURRENCY,
        on_signals: bool = True,
        **options: Any,
    ) -> Batch:
        """Gather events into requests, by number, size and time: ``with triggers.batch() as batch: batch.add(event)``."""
        return Batch(
            lambda text: self.send_text(text, **options),
            write_json,
            max_events=max_events,
            max_bytes=max_bytes,
            max_wait=max_wait,
            concurrency=concurrency,
            on_signals=on_signals,
        )

    def dry_run(self, events: Json, **options: Any) -> Json:
        """Who would receive these events, and what exactly. Nothing is stored or sent."""
        return self.call("POST", "/events/dry-run", body=events, **options)

    def event(self, id: str, **options: Any) -> InboxEvent:
        return cast(InboxEvent, self.call("GET", "/events/{id}", params={"id": id}, **options))

    def journey(self, id: str, **options: Any) -> Json:
        """Accepted, routed, stored, each attempt: with the time spent between."""
        return self.call("GET", "/events/{id}/journey", params={"id": id}, **options)

    def verdicts(self, id: str, **options: Any) -> Json:
        """Which subscriptions matched an event, and which clause decided against it in the others."""
        return self.call("GET", "/events/{id}/verdicts", params={"id": id}, **options)

    def inbox(self, **query: Any) -> Pages[InboxEvent]:
        """Recorded events, the newest first unless ``order`` says otherwise."""
        return self.list("/inbox", query=_python_names(query))

    def acknowledge(self, event_ids: Iterable[str], **options: Any) -> Json:
        return self.call("POST", "/inbox/ack", body={"event_ids": [*event_ids]}, **options)

    def subscribe(self, subscription: SubscriptionRequest, **options: Any) -> NewSubscription:
        """The answer has the ``signing_secret``, which is shown this once."""
        return cast(NewSubscription, self.call("POST", "/subscriptions", body=subscription, **options))

    def unsubscribe(self, id: str, **options: Any) -> None:
        self.call("DELETE", "/subscriptions/{id}", params={"id": id}, **options)

    def subscriptions(self, **query: Any) -> Pages[Subscription]:
        return self.list("/subscriptions", query=query)

    def backlog(self, id: str, **query: Any) -> Pages[InboxEvent]:
        """What a failing or disabled subscription has not received, oldest first."""
        return self.list("/subscriptions/{id}/backlog", params={"id": id}, query=query)

    def acknowledge_backlog(self, id: str, event_ids: Iterable[str], **options: Any) -> Json:
        body = {"event_ids": [*event_ids]}
        return self.call("POST", "/subscriptions/{id}/backlog/ack", params={"id": id}, body=body, **options)

    def rehearse(self, rehearsal: Mapping[str, Any], **options: Any) -> Json:
        """Run a selector over recorded events before it is saved: what matches, what nearly does, what would be sent."""
        return self.call("POST", "/subscriptions/rehearse", body=rehearsal, **options)

    def deliveries(self, **query: Any) -> Pages[Delivery]:
        return self.list("/deliveries", query=_python_names(query))

    def dead_letters(self, **query: Any) -> Pages[Delivery]:
        return self.list("/dead-letters", query=_python_names(query))

    def replay(self, body: Mapping[str, Any], **options: Any) -> Replay:
        """Deliver recorded events again."""
        return cast(Replay, self.call("POST", "/replays", body=body, **options))

    def metrics(self, query: Mapping[str, Any], **options: Any) -> Json:
        return self.call("POST", "/metrics/query", body=query, **options)


class AsyncTriggers(_Client[httpx.AsyncClient]):
    """The same for asyncio. Cancelling the task ends a call at once, waits between attempts included."""

    _new_http = httpx.AsyncClient

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> AsyncTriggers:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _carry_out(self, call: Call) -> Json:
        if call.cancel is not None:
            raise TypeError("With asyncio, cancel the task of the call instead.")
        steps = plan(self._options, call)
        answer: Any = None
        try:
            while True:
                step = steps.send(answer)
                if isinstance(step, Send):
                    try:
                        # Of the client by itself it is the time for connecting, and for each wait for data.
                        answer = await asyncio.wait_for(
                            self._http.request(
                                step.method, step.url, headers=step.headers, content=step.content, timeout=step.timeout
                            ),
                            step.timeout,
                        )
                    except httpx.TransportError as error:
                        answer = error
                    except asyncio.TimeoutError:
                        answer = httpx.ReadTimeout("The time for the whole answer is over.")
                else:
                    await asyncio.sleep(step.seconds)
        except StopIteration as end:
            return end.value

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Json = None,
        **options: Any,
    ) -> Json:
        return await self._carry_out(self._call(method, path, params, query, body, options))

    def list(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> AsyncPages[Any]:
        asked = dict(query or {})
        read = lambda cursor: self.call("GET", path, params=params, query={**asked, "cursor": cursor}, **options)  # noqa: E731
        return AsyncPages(read, asked.get("cursor"))

    async def send(self, events: Json, **options: Any) -> Json:
        return await self.send_text(write_json(events), **options)

    async def send_text(self, text: str, **options: Any) -> Json:
        answer = await self._carry_out(Call("POST", "/events", text, **options))
        return answer["events"] if "events" in answer else answer

    def batch(
        self,
        *,
        max_events: int = MAX_EVENTS,
        max_bytes: int = MAX_BYTES,
        max_wait: float = MAX_WAIT,
        concurrency: int = CONCURRENCY,
        **options: Any,
    ) -> AsyncBatch:
        return AsyncBatch(
            lambda text: self.send_text(text, **options),
            write_json,
            max_events=max_events,
            max_bytes=max_bytes,
            max_wait=max_wait,
            concurrency=concurrency,
        )

    async def dry_run(self, events: Json, **options: Any) -> Json:
        return await self.call("POST", "/events/dry-run", body=events, **options)

    async def event(self, id: str, **options: Any) -> InboxEvent:
        return cast(InboxEvent, await self.call("GET", "/events/{id}", params={"id": id}, **options))

    async def journey(self, id: str, **options: Any) -> Json:
        return await self.call("GET", "/events/{id}/journey", params={"id": id}, **options)

    async def verdicts(self, id: str, **options: Any) -> Json:
        return await self.call("GET", "/events/{id}/verdicts", params={"id": id}, **options)

    def inbox(self, **query: Any) -> AsyncPages[InboxEvent]:
        return self.list("/inbox", query=_python_names(query))

    async def acknowledge(self, event_ids: Iterable[str], **options: Any) -> Json:
        return await self.call("POST", "/inbox/ack", body={"event_ids": [*event_ids]}, **options)

    async def subscribe(self, subscription: SubscriptionRequest, **options: Any) -> NewSubscription:
        return cast(NewSubscription, await self.call("POST", "/subscriptions", body=subscription, **options))

    async def unsubscribe(self, id: str, **options: Any) -> None:
        await self.call("DELETE", "/subscriptions/{id}", params={"id": id}, **options)

    def subscriptions(self, **query: Any) -> AsyncPages[Subscription]:
        return self.list("/subscriptions", query=query)

    def backlog(self, id: str, **query: Any) -> AsyncPages[InboxEvent]:
        return self.list("/subscriptions/{id}/backlog", params={"id": id}, query=query)

    async def acknowledge_backlog(self, id: str, event_ids: Iterable[str], **options: Any) -> Json:
        body = {"event_ids": [*event_ids]}
        return await self.call("POST", "/subscriptions/{id}/backlog/ack", params={"id": id}, body=body, **options)

    async def rehearse(self, rehearsal: Mapping[str, Any], **options: Any) -> Json:
        return await self.call("POST", "/subscriptions/rehearse", body=rehearsal, **options)

    def deliveries(self, **query: Any) -> AsyncPages[Delivery]:
        return self.list("/deliveries", query=_python_names(query))

    def dead_letters(self, **query: Any) -> AsyncPages[Delivery]:
        return self.list("/dead-letters", query=_python_names(query))

    async def replay(self, body: Mapping[str, Any], **options: Any) -> Replay:
        return cast(Replay, await self.call("POST", "/replays", body=body, **options))

    async def metrics(self, query: Mapping[str, Any], **options: Any) -> Json:
        return await self.call("POST", "/metrics/query", body=query, **options)


def _python_names(query: Mapping[str, Any]) -> dict[str, Any]:
    """``from`` is a word of Python's own: ``from_`` stands for it."""
    return {name.removesuffix("_"): value for name, value in query.items()}
