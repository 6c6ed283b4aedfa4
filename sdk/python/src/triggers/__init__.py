"""Send events to a Triggers platform, and verify the webhooks that it sends."""
from ._batch import AsyncBatch, Batch
from ._cancel import Cancel
from ._pages import AsyncPages, Pages
from ._transport import read_json, write_json
from .client import AsyncTriggers, Triggers
from .errors import TriggersCancelledError, TriggersConnectionError, TriggersError, WebhookVerificationError
from .verify import verify

__all__ = [
    "AsyncBatch",
    "AsyncPages",
    "AsyncTriggers",
    "Batch",
    "Cancel",
    "Pages",
    "Triggers",
    "TriggersCancelledError",
    "TriggersConnectionError",
    "TriggersError",
    "WebhookVerificationError",
    "read_json",
    "verify",
    "write_json",
]
