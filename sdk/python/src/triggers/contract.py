# Made by `npm run docs` from the API's own description.
from __future__ import annotations

import sys
from typing import Any, Literal, TypedDict, Union

if sys.version_info >= (3, 11):
    from typing import NotRequired
else:
    from typing_extensions import NotRequired

ErrorCode = Literal[
    "invalid_json",
    "invalid_event",
    "too_many_events",
    "schema_violation",
    "invalid_request",
    "unauthorized",
    "forbidden",
    "origin_forbidden",
    "cross_site",
    "sign_in_again",
    "not_found",
    "method_not_allowed",
    "idempotency_conflict",
    "idempotency_in_flight",
    "webhook_url_taken",
    "conflict",
    "precondition_failed",
    "payload_too_large",
    "unsupported_media_type",
    "unprocessable",
    "too_many_hops",
    "limit_reached",
    "invalid_selector",
    "unknown_reference_table",
    "invalid_schema",
    "invalid_header",
    "webhook_url_forbidden",
    "uri_too_long",
    "headers_too_large",
    "request_timeout",
    "rate_limited",
    "internal",
    "bad_gateway",
    "gateway_timeout",
    "unavailable",
]

class AccessRecord(TypedDict):
    seq: int
    minute: str
    environment: Literal["live", "sandbox"]
    key_id: str
    calls: list[dict[str, Any]]
    source_ips: list[dict[str, Any]]
    views: NotRequired[list[dict[str, Any]]]
    prev_hash: str
    hash: str


class Alert(TypedDict):
    alert_id: str
    rule_id: str
    name: str
    kind: Literal["error_rate", "latency", "quota", "dead_letters", "api_down", "metric"]
    severity: Literal["info", "warning", "critical"]
    state: Literal["pending", "firing", "resolved"]
    value: Union[float, None]
    threshold: float
    since: str
    fired_at: Union[str, None]
    resolved_at: Union[str, None]
    resolution: Union[str, None]
    cause: Union[str, None]
    acknowledged_at: Union[str, None]
    acknowledged_by: Union[str, None]
    snoozed_until: Union[str, None]
    messages: list[dict[str, Any]]


class AlertChannel(TypedDict):
    channel_id: str
    kind: Literal["email", "slack", "sms", "webhook"]
    target: str
    time_zone: str
    verified: bool
    verified_at: Union[str, None]
    failing_since: Union[str, None]
    last_error: Union[str, None]
    created_at: str
    updated_at: str


class AlertRule(TypedDict):
    rule_id: str
    name: str
    kind: Literal["error_rate", "latency", "quota", "dead_letters", "api_down", "metric"]
    query: Union[dict[str, Any], None]
    threshold: float
    for_minutes: int
    severity: Literal["info", "warning", "critical"]
    channels: list[str]
    filter: Union[dict[str, Any], None]
    enabled: bool
    created_at: str
    updated_at: str


class AuditEntry(TypedDict):
    seq: int
    at: str
    actor: dict[str, Any]
    action: str
    object: Union[str, None]
    source_ip: Union[str, None]
    outcome: str
    details: dict[str, Any]
    prev_hash: str
    hash: str


class Customer(TypedDict):
    customer_id: str
    name: str
    limit_per_second: int
    status: Literal["active"]
    created_at: str


class CustomerFigures(TypedDict):
    customer_id: str
    name: str
    limit_per_second: float
    requests: int
    events: int
    refused: int
    delivered: int
    failed: int
    dead_lettered: int
    delivery_success_rate: Union[float, None]
    limit_use: Union[float, None]
    keys: int
    keys_never_used: int
    unused_keys: list[dict[str, Any]]


class Delivery(TypedDict):
    delivery_id: str
    subscription_id: str
    event_ids: list[str]
    status: Literal["pending", "delivered", "failed", "dead_lettered", "cancelled"]
    attempts: list[dict[str, Any]]
    attempts_left_out: NotRequired[int]
    next_attempt_at: Union[str, None]
    created_at: str
    reason: NotRequired[str]
    replay_id: NotRequired[str]


Enrich = TypedDict(
    "Enrich",
    {
        "from": "str",
        "key": "NotRequired[str]",
        "as": "str",
    },
)


class Error(TypedDict):
    error: dict[str, Any]


class Event(TypedDict):
    event_id: str
    event_type: Union[str, None]
    received_at: str
    payload: dict[str, Any]


class EventType(TypedDict):
    event_type: str
    version: int
    schema: Union[dict[str, Any], bool]
    updated_at: str


class Health(TypedDict):
    status: Literal["ok", "unavailable"]
    dependencies: dict[str, dict[str, Any]]


class HealthDetails(TypedDict):
    status: Literal["ok", "unavailable"]
    checked_at: str
    dependencies: dict[str, dict[str, Any]]
    dead_messages: NotRequired[dict[str, float]]


class InboxEvent(TypedDict):
    event_id: str
    event_type: Union[str, None]
    received_at: str
    payload: dict[str, Any]
    status: Literal["unmatched", "pending", "delivered", "failed", "dead_lettered"]
    acknowledged_at: Union[str, None]
    deliveries: list[Delivery]
    more_deliveries: NotRequired[int]


class Incident(TypedDict):
    incident_id: str
    kind: Literal["incident", "maintenance"]
    title: str
    message: Union[str, None]
    components: list[Literal["api", "queue", "database", "delivery"]]
    impact: Literal["none", "degraded", "down"]
    status: Literal["scheduled", "open", "resolved"]
    starts_at: str
    ends_at: Union[str, None]
    created_at: str
    updated_at: str


class Key(TypedDict):
    key_id: str
    name: Union[str, None]
    environment: Literal["live", "sandbox"]
    scopes: list[Literal["events:write", "events:read", "subscriptions", "keys", "privacy", "admin"]]
    limit_per_second: Union[int, None]
    allowed_origins: NotRequired[list[str]]
    expires_at: Union[str, None]
    created_at: str
    last_used_at: Union[str, None]
    last_four: Union[str, None]
    status: Literal["active", "revoked", "expired"]


class Latency(TypedDict):
    """Of what was measured; where nothing was, the value is null."""

    p50: float
    p95: float
    p99: float
    count: int
    buckets: NotRequired[list[list[Any]]]


class Masking(TypedDict):
    paths: list[str]
    detect: list[Literal["email", "card", "phone", "token"]]


MetricsAnswer = TypedDict(
    "MetricsAnswer",
    {
        "from": "str",
        "to": "str",
        "series": "list[MetricsSeries]",
        "totals": "dict[str, Union[float, None, Latency]]",
        "interval": "Literal[\"minute\", \"hour\", \"day\", \"none\"]",
        "time_zone": "str",
        "complete_until": "str",
        "folded": "int",
        "compare": "NotRequired[dict[str, Any]]",
    },
)


class MetricsSeries(TypedDict):
    key: dict[str, Union[str, None]]
    points: list[dict[str, Any]]
    totals: dict[str, Union[float, None, Latency]]


class NewKey(TypedDict):
    key_id: str
    name: Union[str, None]
    environment: Literal["live", "sandbox"]
    scopes: list[Literal["events:write", "events:read", "subscriptions", "keys", "privacy", "admin"]]
    limit_per_second: Union[int, None]
    allowed_origins: NotRequired[list[str]]
    expires_at: Union[str, None]
    created_at: str
    last_used_at: Union[str, None]
    last_four: Union[str, None]
    status: Literal["active", "revoked", "expired"]
    api_key: str


class NewSubscription(TypedDict):
    subscription_id: str
    workflow_id: Union[str, None]
    webhook_url: str
    event_selector: EventSelector
    transform: Transform
    enrich: Enrich
    format: Literal["event", "payload"]
    max_batch: int
    headers: dict[str, Literal["***"]]
    environment: Literal["live", "sandbox"]
    status: Literal["active", "disabled"]
    disabled_reason: Union[str, None]
    costly_since: NotRequired[str]
    signature_verified_at: NotRequired[str]
    version: int
    created_at: str
    updated_at: str
    signing_secret: str
    backfill_replay_id: NotRequired[str]


class Person(TypedDict):
    person_id: str
    email: str
    name: Union[str, None]
    role: Literal["owner", "developer", "operations", "business", "executive", "auditor", "operator"]
    status: Literal["invited", "active"]
    invited_by: str
    created_at: str
    updated_at: str
    last_signed_in_at: Union[str, None]


class PrivacyRequest(TypedDict):
    request_id: str
    kind: Literal["export", "erasure"]
    status: Literal["pending", "running", "succeeded", "failed", "cancelled"]
    scope: dict[str, Any]
    progress: dict[str, float]
    download_url: NotRequired[Union[str, None]]
    expires_at: NotRequired[str]
    sha256: NotRequired[str]
    certificate: NotRequired[dict[str, Any]]
    error: NotRequired[str]
    created_at: str
    updated_at: str


class Problem(TypedDict):
    problem_id: str
    subscription_id: str
    workflow_id: Union[str, None]
    error: Literal["timeout", "dns", "connect", "tls", "redirect", "http_4xx", "http_5xx", "gone", "forbidden_address", "other"]
    status_code: NotRequired[int]
    state: Literal["open", "acknowledged", "resolved", "muted"]
    count: int
    events: int
    first_at: str
    last_at: str
    sample_delivery_id: str
    explanation: str
    advice: str


class ReferenceTable(TypedDict):
    name: str
    version: int
    row_count: int
    updated_at: str


class Replay(TypedDict):
    replay_id: str
    status: Literal["pending", "running", "succeeded", "failed", "cancelled"]
    matched: int
    sent: int
    progress: dict[str, float]
    request: dict[str, Any]
    error: NotRequired[str]
    created_at: str
    updated_at: str


class Report(TypedDict):
    report_id: str
    name: str
    template: Union[Literal["weekly", "monthly"], list[dict[str, Any]]]
    schedule: ReportSchedule
    recipients: list[str]
    unsubscribed: list[str]
    next_run_at: Union[str, None]
    created_at: str
    updated_at: str


ReportRun = TypedDict(
    "ReportRun",
    {
        "run_id": "str",
        "report_id": "str",
        "status": "Literal[\"pending\", \"running\", \"succeeded\", \"failed\"]",
        "asked_by": "str",
        "from": "Union[str, None]",
        "to": "Union[str, None]",
        "sent_to": "list[str]",
        "html_url": "Union[str, None]",
        "pdf_url": "Union[str, None]",
        "csv_url": "Union[str, None]",
        "expires_at": "Union[str, None]",
        "error": "Union[str, None]",
        "created_at": "str",
        "updated_at": "str",
    },
)


class ReportSchedule(TypedDict):
    every: Literal["day", "week", "month"]
    at: str
    time_zone: NotRequired[str]


class ReportTile(TypedDict):
    title: str
    query: dict[str, Any]
    chart: NotRequired[Literal["line", "bar", "number", "table"]]


class Retention(TypedDict):
    days: int
    metrics_days: NotRequired[int]


class Status(TypedDict):
    status: Literal["ok", "degraded", "down"]
    checked_at: str
    components: dict[str, Any]
    incidents: list[Incident]


class Subscription(TypedDict):
    subscription_id: str
    workflow_id: Union[str, None]
    webhook_url: str
    event_selector: EventSelector
    transform: Transform
    enrich: Enrich
    format: Literal["event", "payload"]
    max_batch: int
    headers: dict[str, Literal["***"]]
    environment: Literal["live", "sandbox"]
    status: Literal["active", "disabled"]
    disabled_reason: Union[str, None]
    costly_since: NotRequired[str]
    signature_verified_at: NotRequired[str]
    version: int
    created_at: str
    updated_at: str


class SubscriptionPatch(TypedDict):
    workflow_id: NotRequired[Union[str, None]]
    event_selector: NotRequired[EventSelector]
    transform: NotRequired[Transform]
    enrich: NotRequired[Enrich]
    format: NotRequired[Literal["event", "payload"]]
    max_batch: NotRequired[int]
    headers: NotRequired[dict[str, str]]
    environment: NotRequired[Literal["live", "sandbox"]]
    backfill_from: NotRequired[str]
    webhook_url: NotRequired[str]
    status: NotRequired[Literal["active", "disabled"]]


class SubscriptionRequest(TypedDict):
    workflow_id: NotRequired[Union[str, None]]
    event_selector: EventSelector
    transform: NotRequired[Transform]
    enrich: NotRequired[Enrich]
    format: NotRequired[Literal["event", "payload"]]
    max_batch: NotRequired[int]
    headers: NotRequired[dict[str, str]]
    environment: NotRequired[Literal["live", "sandbox"]]
    backfill_from: NotRequired[str]
    webhook_url: NotRequired[str]
    target_url: NotRequired[str]


class Transform(TypedDict):
    """Applied in the order extract, rename, omit."""

    extract: NotRequired[dict[str, str]]
    rename: NotRequired[dict[str, str]]
    omit: NotRequired[list[str]]

EventPayload = dict[str, Any]
EventSelector = Union[str, dict[str, Any]]
