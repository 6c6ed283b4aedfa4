"""What the SDK raises."""
from __future__ import annotations

from typing import Any, Literal


class TriggersError(Exception):
    """The platform refused a request, with a code of its catalog.

    ``code`` is one of ``triggers.contract.ErrorCode``; a newer platform may know others.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int,
        details: list[dict[str, Any]] | None = None,
        request_id: str | None = None,
        docs: str | None = None,
        retry_after: float | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.details = details or []
        #: Tell it to the operator of the platform.
        self.request_id = request_id
        #: Where the code is explained, as an absolute URL.
        self.docs = docs
        #: What ``Retry-After`` said, in seconds.
        self.retry_after = retry_after
        #: What ``Idempotency-Key`` the request had: repeating it with the same one never makes a second event.
        self.idempotency_key = idempotency_key


class TriggersConnectionError(Exception):
    """No answer came: the connection failed, or the time was up. Whether a change was made is unknown."""

    def __init__(self, reason: Literal["connection", "timeout"], message: str, idempotency_key: str | None) -> None:
        super().__init__(message)
        self.reason = reason
        #: Repeat the request with it, and no second event is made.
        self.idempotency_key = idempotency_key


class TriggersCancelledError(Exception):
    """The call was ended by its ``triggers.Cancel``. Whether a change was made is unknown."""

    def __init__(self, idempotency_key: str | None) -> None:
        super().__init__("The call was cancelled.")
        #: Repeat the request with it, and no second event is made.
        self.idempotency_key = idempotency_key


class WebhookVerificationError(Exception):
    """The webhook was not sent by the platform, or not now: answer 400 and do nothing else."""

    def __init__(
        self,
        reason: Literal["missing_header", "invalid_header", "too_old", "too_new", "no_match"],
        message: str,
    ) -> None:
        super().__init__(message)
        self.reason = reason
