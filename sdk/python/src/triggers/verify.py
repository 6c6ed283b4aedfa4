"""Verification of webhooks."""
from __future__ import annotations

import base64
import binascii
import hmac
import re
import time
from collections.abc import Iterable, Mapping

from .errors import WebhookVerificationError

DEFAULT_TOLERANCE_SECONDS = 300


def _header(headers: Mapping[str, str], name: str) -> str:
    for key, value in headers.items():
        if key.lower() == name and value:
            return value
    raise WebhookVerificationError("missing_header", f"The request has no header {name}.")


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def verify(
    body: str | bytes,
    headers: Mapping[str, str],
    secrets: str | Iterable[str],
    *,
    tolerance_seconds: float = DEFAULT_TOLERANCE_SECONDS,
    now: float | None = None,
) -> str:
    """Check that a webhook comes from the platform.

    By the Standard Webhooks specification, symmetric scheme ``v1``: HMAC-SHA-256 (RFC 2104) over
    ``<id>.<timestamp>.<body>``, by the standard library, compared in constant time.

    :param body: the bytes as they arrived, or their text; never JSON that was parsed and written again
    :param secrets: signing secrets, ``whsec_…``; while one is being replaced, the old and the new: one has to match
    :param tolerance_seconds: how far the sender's clock and yours may be apart, either way
    :param now: seconds since 1970
    :returns: the body's text
    :raises WebhookVerificationError: with its ``reason``
    :raises ValueError: for a secret that is not base64
    """
    id = _header(headers, "webhook-id")
    timestamp = _header(headers, "webhook-timestamp")
    signatures = _header(headers, "webhook-signature")
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise WebhookVerificationError("invalid_header", "webhook-timestamp is not a time in seconds.")
    age = (time.time() if now is None else now) - int(timestamp)
    if age > tolerance_seconds:
        raise WebhookVerificationError("too_old", f"It was signed {age:.0f} s ago.")
    if age < -tolerance_seconds:
        raise WebhookVerificationError("too_new", f"It was signed {-age:.0f} s in the future.")
    raw = body.encode() if isinstance(body, str) else body
    signed = f"{id}.{timestamp}.".encode() + raw
    given = [_decoded(one[3:]) for one in signatures.split(" ") if one.startswith("v1,")]
    for secret in [secrets] if isinstance(secrets, str) else secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        expected = hmac.digest(key, signed, "sha256")
        # A secret that was never set is one that everybody knows: it matches nothing.
        if key and any(one is not None and hmac.compare_digest(one, expected) for one in given):
            return raw.decode()
    raise WebhookVerificationError("no_match", "No signature matches a secret: the body or the secret is another.")
