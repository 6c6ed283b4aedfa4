"""Calls the API: what is the same for both clients, without input or output of its own."""
from __future__ import annotations

import email.utils
import json
import os
import random
import re
import time
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Union
from urllib.parse import quote, urlencode, urljoin

import httpx

from ._cancel import Cancel
from .errors import TriggersConnectionError, TriggersError

DEFAULT_URL = "http://127.0.0.1:8080"
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 8.0
#: Answers after which the same request may succeed. 409 only while the first request with its key is still at work.
RETRYABLE = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Options:
    """Settings of a client; seconds throughout."""

    api_key: str
    url: str
    timeout: float
    retries: int
    max_wait: float
    lossless: bool
    webhook_secrets: tuple[str, ...]


def options_of(
    api_key: str | None,
    url: str | None,
    timeout: float,
    retries: int,
    max_wait: float,
    lossless: bool,
    webhook_secrets: str | list[str] | tuple[str, ...],
) -> Options:
    key = api_key or os.environ.get("TRIGGERS_API_KEY")
    if not key:
        raise TypeError("Give an api_key, or set the variable TRIGGERS_API_KEY.")
    base = (url or os.environ.get("TRIGGERS_URL") or DEFAULT_URL).rstrip("/")
    if not re.match(r"https?://[^/]", base):
        raise TypeError(f"{base} is no address: write https://triggers.example.com, or {DEFAULT_URL}.")
    secrets = (webhook_secrets,) if isinstance(webhook_secrets, str) else tuple(webhook_secrets)
    return Options(key, base, timeout, retries, max_wait, lossless, secrets)


@dataclass(frozen=True)
class Call:
    """One call of the API."""

    method: str
    path: str
    text: str | None = None
    accept: str = "application/json"
    idempotency_key: str | None = None
    timeout: float | None = None
    retries: int | None = None
    #: What ends it from another thread; for the client that blocks.
    cancel: Cancel | None = None


def path_of(path: str, params: Mapping[str, Any] | None = None, query: Mapping[str, Any] | None = None) -> str:
    """The path with its parameters put in, and its query. A list repeats its parameter; ``None`` is left out."""
    given = params or {}
    missing = [name for name in re.findall(r"\{(\w+)\}", path) if name not in given]
    if missing:
        raise TypeError(f"The path {path} needs {' and '.join(missing)} in params.")
    filled = re.sub(r"\{(\w+)\}", lambda found: quote(str(given[found[1]]), safe=""), path)
    pairs = []
    for name, value in (query or {}).items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if one is not None:
                pairs.append((name, str(one).lower() if isinstance(one, bool) else str(one)))
    return f"{filled}?{urlencode(pairs)}" if pairs else filled


def write_json(value: Any) -> str:
    """JSON text. A ``Decimal`` is written as a number, with every digit."""
    # No text of the caller's holds it: it is new each time.
    mark = uuid.uuid4().hex

    def number(one: Any) -> str:
        if isinstance(one, Decimal) and one.is_finite():
            return f"{mark}{one}"
        raise TypeError(f"{type(one).__name__} has no form in JSON")

    text = json.dumps(value, default=number, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return re.sub(f'"{mark}([^"]*)"', r"\1", text)


def read_json(text: str, lossless: bool) -> Any:
    """:param lossless: decimals as ``Decimal``, with every digit"""
    return json.loads(text, parse_float=Decimal) if lossless else json.loads(text)


def _retry_after(headers: httpx.Headers) -> float | None:
    """``Retry-After`` (RFC 9110, 10.2.3) in seconds: a number of them, or a date."""
    text = headers.get("retry-after")
    if text is None:
        return None
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def _refusal(options: Options, response: httpx.Response, key: str | None) -> TriggersError:
    status = response.status_code
    request_id = response.headers.get("x-request-id")
    retry_after = _retry_after(response.headers)
    try:
        error = json.loads(response.text)["error"]
        return TriggersError(
            error["code"],
            error["message"],
            status=status,
            details=error.get("details"),
            request_id=error.get("request_id", request_id),
            docs=urljoin(f"{options.url}/", error["docs"]) if "docs" in error else None,
            retry_after=retry_after,
            idempotency_key=key,
        )
    except (ValueError, KeyError, TypeError):
        # Something between here and the platform answered: a proxy, a load balancer.
        code = "rate_limited" if status == 429 else "unavailable" if status >= 500 else "invalid_request"
        message = f"The answer {status} is not the platform's: {response.text[:200]}"
        return TriggersError(
            code, message, status=status, request_id=request_id, retry_after=retry_after, idempotency_key=key
        )


@dataclass(frozen=True)
class Send:
    """Asks to send this request; an ``httpx.TransportError`` is given back like an answer."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes | None
    timeout: float


@dataclass(frozen=True)
class Pause:
    """Asks to wait so many seconds."""

    seconds: float


Step = Union[Send, Pause]
Plan = Generator[Step, Any, Any]


def plan(options: Options, call: Call) -> Plan:
    """What to do for a call, step by step; the client that carries it out decides how it waits.

    :raises TriggersError, TriggersConnectionError:
    """
    retries = options.retries if call.retries is None else call.retries
    timeout = options.timeout if call.timeout is None else call.timeout
    # One for all attempts: a request accepted before a connection broke is not accepted twice.
    key = call.idempotency_key or (str(uuid.uuid4()) if call.method == "POST" else None)
    headers = {"authorization": f"Bearer {options.api_key}", "accept": call.accept}
    if call.text is not None:
        headers["content-type"] = "application/json"
    if key is not None:
        headers["idempotency-key"] = key
    content = None if call.text is None else call.text.encode()
    attempt = 0
    while True:
        answer = yield Send(call.method, f"{options.url}{call.path}", headers, content, timeout)
        error: TriggersError | TriggersConnectionError
        after: float | None = None
        again = True
        if isinstance(answer, httpx.TransportError):
            if isinstance(answer, httpx.TimeoutException):
                error = TriggersConnectionError("timeout", f"No answer within {timeout} s.", key)
            else:
                error = TriggersConnectionError("connection", f"{options.url} can't be reached.", key)
            error.__cause__ = answer
        else:
            if answer.is_success:
                if not answer.content:
                    return None
                json_type = "json" in answer.headers.get("content-type", "")
                return read_json(answer.text, options.lossless) if json_type else answer.text
            error = _refusal(options, answer, key)
            after = error.retry_after
            again = answer.status_code in RETRYABLE or error.code == "idempotency_in_flight"
        # Full jitter: callers that failed together don't come back together.
        ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt)
        wait = random.uniform(0, ceiling) if after is None else after + random.uniform(0, FIRST_PAUSE)
        if not again or attempt >= retries or wait > options.max_wait:
            raise error
        yield Pause(wait)
        attempt += 1
