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
  /** Sections of `docs/*.md`: the file's name and the heading; without one, what stands before the first. */
  readonly guides: readonly (readonly [file: GuideFile, heading?: string])[];
}

export type GuideFile = "api-keys" | "delivery" | "limits" | "matching" | "metrics";

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
  guides: [["limits", "Requests and events"], ["matching"], ["delivery", "When an endpoint fails"]],
};

const reading: Topic = {
  calls: ["GET /inbox", "GET /events/{id}", "GET /events/{id}/journey", "GET /events/{id}/verdicts", "POST /inbox/ack"],
  examples: [
    { says: "Read what is not acknowledged", method: "GET", path: "/inbox?limit=10" },
    { says: "Read by a filter", method: "GET", path: "/inbox?event_type=order.*&filter=event.amount%20%3E%20100.0" },
  ],
  guides: [["matching"], ["delivery", "Nothing is lost while an endpoint fails"]],
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
  guides: [["matching"], ["delivery", "Verifying a post"], ["delivery", "When an endpoint fails"]],
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
    { says: "Read what was given up", method: "GET", path: "/dead-letters" },
  ],
  guides: [
    ["delivery", "When an endpoint fails"],
    ["delivery", "Problems"],
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
    ["metrics", "What the measures count"],
    ["metrics", "Time"],
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
    guides: [["delivery", "When an endpoint fails"]],
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
    guides: [["matching"], ["matching", "Numbers"], ["matching", "What is refused where it is made"]],
  },
  "/subscriptions": subscribing,
  "/types": {
    calls: ["PUT /event-types/{type}", "GET /event-types"],
    examples: [
      {
        says: "Register a schema",
        method: "PUT",
        path: "/event-types/example.checked",
        body: { type: "object", required: ["amount"], properties: { amount: { type: "number" } } },
      },
    ],
    guides: [["limits", "Objects of a customer"]],
  },
  "/usage": { ...measuring, guides: [["limits", "Requests and events"], ...measuring.guides] },
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
    guides: [["metrics", "What the measures count"]],
  },
  "/reports": {
    calls: ["POST /reports", "POST /reports/preview", "POST /reports/{id}/run", "GET /reports/{id}/runs"],
    examples: [{ says: "See the weekly mail", method: "POST", path: "/reports/preview", body: { template: "weekly" } }],
    guides: [
      ["metrics", "What the measures count"],
      ["metrics", "Time"],
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
    guides: [["api-keys"], ["api-keys", "A key in a web page"], ["api-keys", "Rotating and revoking"]],
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
  const [first = "", ...sections] = markdown.split(/\n(?=## )/);
  if (heading === undefined) return first.replace(/^# .*\n/, "").trim();
  return sections
    .find((section) => section.startsWith(`## ${heading}\n`))
    ?.split("\n")
    .slice(1)
    .join("\n")
    .trim();
}
