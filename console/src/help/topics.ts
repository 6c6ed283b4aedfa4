/** What the drawer shows beside each page: calls of the reference, code to run, pages of the documentation. Pure; tests look up each. */

export interface Example {
  readonly says: string;
  readonly method: "GET" | "POST" | "PUT";
  readonly path: string;
  /** JSON; none for a read. */
  readonly body?: unknown;
}

export interface Topic {
  /** As the reference names them: `POST /events`. */
  readonly calls: readonly string[];
  readonly examples: readonly Example[];
  /** What is good practice. */
  readonly guides: readonly Section[];
  /** What to look at when it does not work; the codes of the calls come of themselves. */
  readonly troubles?: readonly Section[];
}

/** A section of a page of the documentation, by its heading; without one, what stands before the first. */
type Section = readonly [file: GuideFile, heading?: string];

/** Pages of the documentation under `docs/`. */
export type GuideFile =
  | "api-keys.md"
  | "delivery.md"
  | "matching.md"
  | "metrics.md"
  | "site/pages/guides/alerts.md"
  | "site/pages/guides/filters.md"
  | "site/pages/guides/going-live.md"
  | "site/pages/guides/idempotency.md"
  | "site/pages/guides/payload-design.md"
  | "site/pages/guides/troubleshooting.md"
  | "site/pages/guides/verifying-signatures.md";

const troubles = "site/pages/guides/troubleshooting.md";

const order = { event_type: "order.created", id: "ord_1001", amount: 149.9, currency: "EUR" };

const sending: Topic = {
  calls: ["POST /events", "POST /events/dry-run"],
  examples: [
    { says: "Send one event", method: "POST", path: "/events", body: order },
    {
      says: "Send several at once, all or nothing",
      method: "POST",
      path: "/events",
      body: [order, { event_type: "payment.failed", id: "pay_77", amount: 40 }],
    },
    { says: "See who would receive it, without sending", method: "POST", path: "/events/dry-run", body: order },
  ],
  guides: [
    ["site/pages/guides/payload-design.md", "Name what happened"],
    ["site/pages/guides/payload-design.md", "Say enough, and no secret"],
    ["site/pages/guides/payload-design.md", "Make it easy to match"],
    ["site/pages/guides/payload-design.md", "Size"],
    ["site/pages/guides/idempotency.md", "When you send"],
    ["site/pages/guides/idempotency.md", "What to repeat"],
    ["site/pages/guides/going-live.md", "Sending"],
  ],
  troubles: [
    [troubles, "No event arrived at the platform"],
    [troubles, "The event is there, and its status is `unmatched`"],
  ],
};

const reading: Topic = {
  calls: ["GET /inbox", "GET /events/{id}", "GET /events/{id}/journey", "GET /events/{id}/verdicts", "POST /inbox/ack"],
  examples: [
    { says: "Read what is not acknowledged", method: "GET", path: "/inbox?limit=10" },
    { says: "Read by a filter", method: "GET", path: "/inbox?event_type=order.*&filter=event.amount%20%3E%20100.0" },
  ],
  guides: [["delivery.md", "Nothing is lost while an endpoint fails"]],
  troubles: [
    [troubles, "The event is there, and its status is `unmatched`"],
    [troubles, "The status is `pending`"],
    [troubles, "The status is `failed` or `dead_lettered`"],
  ],
};

const subscribing: Topic = {
  calls: ["POST /subscriptions", "GET /subscriptions", "PATCH /subscriptions/{id}", "POST /subscriptions/{id}/test"],
  examples: [
    {
      says: "Have orders over 100 delivered to a webhook",
      method: "POST",
      path: "/subscriptions",
      body: {
        workflow_id: "orders",
        webhook_url: "https://example.com/hooks",
        event_selector: { event_type: "order.*", cel: "event.amount > 100.0" },
      },
    },
    { says: "List subscriptions", method: "GET", path: "/subscriptions" },
  ],
  guides: [
    ["site/pages/guides/filters.md", "Begin with the type"],
    ["site/pages/guides/going-live.md", "Receiving"],
    ["site/pages/guides/idempotency.md", "When you receive"],
    ["delivery.md", "Verifying a post"],
  ],
  troubles: [
    [troubles, "The status is `failed` or `dead_lettered`"],
    ["site/pages/guides/verifying-signatures.md", "What goes wrong"],
  ],
};

const delivering: Topic = {
  calls: [
    "GET /deliveries",
    "GET /deliveries/{id}",
    "POST /deliveries/{id}/retry",
    "GET /dead-letters",
    "POST /dead-letters/replay",
  ],
  examples: [
    { says: "Read failed deliveries", method: "GET", path: "/deliveries?status=failed" },
    { says: "Read the dead letters", method: "GET", path: "/dead-letters" },
  ],
  guides: [
    ["delivery.md", "When an endpoint fails"],
    ["delivery.md", "Problems"],
  ],
};

const measuring: Topic = {
  calls: ["POST /metrics/query", "GET /usage", "GET /status"],
  examples: [
    {
      says: "Deliveries of the last day, by hour",
      method: "POST",
      path: "/metrics/query",
      body: { measures: ["events", "delivered", "failed"], last: "24h", interval: "hour" },
    },
    { says: "The same as a table for a spreadsheet", method: "GET", path: "/metrics?measures=events&last=24h" },
  ],
  guides: [
    ["metrics.md", "What the measures count"],
    ["metrics.md", "Time"],
  ],
};

/** By the path of the page; the longest that the page's path begins with counts. */
export const topics: Readonly<Record<string, Topic>> = {
  "/": measuring,
  "/events": reading,
  "/deliveries": delivering,
  "/dead-letters": delivering,
  "/problems": {
    ...delivering,
    calls: ["GET /problems", "POST /problems/{id}/retry", "POST /problems/{id}/acknowledge"],
    examples: [{ says: "Read what is open", method: "GET", path: "/problems?state=open" }],
  },
  "/replays": {
    calls: ["POST /replays", "GET /replays/{id}", "POST /replays/{id}/cancel"],
    examples: [{ says: "Read replays", method: "GET", path: "/replays" }],
    guides: [["delivery.md", "When an endpoint fails"]],
  },
  "/send": sending,
  "/match": {
    calls: ["POST /subscriptions/rehearse", "POST /subscriptions"],
    examples: [
      {
        says: "Try a selector on recorded events",
        method: "POST",
        path: "/subscriptions/rehearse",
        body: { event_selector: { event_type: "order.*", cel: "event.amount > 100.0" }, limit: 100 },
      },
    ],
    guides: [
      ["site/pages/guides/filters.md", "Begin with the type"],
      ["site/pages/guides/filters.md", "Try it on what really came"],
      ["site/pages/guides/filters.md", "Less is better"],
      ["matching.md"],
    ],
    troubles: [
      ["site/pages/guides/filters.md", "Traps"],
      ["matching.md", "What is refused where it is made"],
    ],
  },
  "/subscriptions": subscribing,
  "/types": {
    calls: ["PUT /event-types/{type}", "POST /event-types/rehearse", "GET /event-types"],
    examples: [
      {
        says: "Register a schema",
        method: "PUT",
        path: "/event-types/example.checked",
        body: { type: "object", required: ["amount"], properties: { amount: { type: "number" } } },
      },
    ],
    guides: [
      ["site/pages/guides/payload-design.md", "Name what happened"],
      ["site/pages/guides/payload-design.md", "Let it grow"],
    ],
  },
  "/usage": {
    ...measuring,
    guides: [["site/pages/guides/payload-design.md", "Many at once"], ...measuring.guides],
    troubles: [[troubles, "It arrived late"]],
  },
  "/health": measuring,
  "/alerts": {
    calls: ["GET /alerts", "POST /alert-rules", "POST /alert-rules/preview", "POST /alert-channels"],
    examples: [
      {
        says: "See when a rule would have rung",
        method: "POST",
        path: "/alert-rules/preview",
        body: { kind: "error_rate", threshold: 0.05, for_minutes: 10 },
      },
      { says: "Read what is firing", method: "GET", path: "/alerts?state=firing" },
    ],
    guides: [
      ["site/pages/guides/alerts.md", "Channels"],
      ["site/pages/guides/alerts.md", "Rules"],
      ["site/pages/guides/alerts.md", "What to do when one rings"],
    ],
  },
  "/reports": {
    calls: ["POST /reports", "POST /reports/preview", "POST /reports/{id}/run", "GET /reports/{id}/runs"],
    examples: [{ says: "See the weekly mail", method: "POST", path: "/reports/preview", body: { template: "weekly" } }],
    guides: [
      ["metrics.md", "What the measures count"],
      ["metrics.md", "Time"],
    ],
  },
  "/keys": {
    calls: ["POST /keys", "GET /keys", "POST /keys/{key_id}/rotate", "DELETE /keys/{key_id}"],
    examples: [
      {
        says: "Make a key that sends to the sandbox",
        method: "POST",
        path: "/keys",
        body: { name: "ci", environment: "sandbox", scopes: ["events:write"] },
      },
    ],
    guides: [
      ["site/pages/guides/going-live.md", "Keys and people"],
      ["api-keys.md"],
      ["api-keys.md", "A key in a web page"],
      ["api-keys.md", "Rotating and revoking"],
    ],
  },
  "/people": {
    calls: ["GET /people", "POST /people"],
    examples: [],
    guides: [],
  },
  "/audit": {
    calls: ["GET /audit", "GET /audit/access"],
    examples: [{ says: "Read the newest entries", method: "GET", path: "/audit?limit=10" }],
    guides: [],
  },
  "/privacy": {
    calls: ["POST /privacy/exports", "POST /privacy/erasures", "PUT /retention", "PUT /masking"],
    examples: [{ says: "Read how long events are kept", method: "GET", path: "/retention" }],
    guides: [],
  },
};

/** @param path of the page, without `/console` */
export function topicOf(path: string): Topic {
  const found = Object.keys(topics)
    .filter((each) => path === each || path.startsWith(`${each}/`))
    .sort((a, b) => b.length - a.length)[0];
  return topics[found ?? "/"] ?? topics["/"]!;
}

/** A section of a page of the documentation; without a heading what stands before the first. @returns Markdown, undefined where there is none */
export function sectionOf(markdown: string, heading: string | undefined): string | undefined {
  const text = markdown.replace(/^---\n[\s\S]*?\n---\n/, "").replaceAll(/<!--[\s\S]*?-->/g, "");
  const [first = "", ...sections] = text.split(/\n(?=## )/);
  if (heading === undefined) return first.replace(/^# .*\n/, "").trim();
  return sections
    .find((section) => section.startsWith(`## ${heading}\n`))
    ?.split("\n")
    .slice(1)
    .join("\n")
    .trim();
}
