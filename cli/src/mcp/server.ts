import { randomUUID } from "node:crypto";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";
import { MetricsQuery } from "../../../runtime/domain/metrics/query.ts";
import { problemStates } from "../../../runtime/domain/problem.ts";
import { eventStatuses } from "../../../runtime/domain/statuses.ts";
import type { Triggers } from "../../../sdk/typescript/src/client.ts";
import { TriggersError } from "../../../sdk/typescript/src/errors.ts";
import { writeLossless } from "../../../sdk/typescript/src/lossless.ts";
import manifest from "../../package.json" with { type: "json" };
import { countReplay, countText, type ReplayBody } from "../count.ts";
import { storyOf } from "../story.ts";
import { when } from "../text.ts";

/**
 * Tools for assistants (Model Context Protocol). What they read is what the key may read; what they change is asked for twice: an
 * event is sent to the sandbox alone, and a replay is counted first and begins only with the token that came with the count.
 */
export interface ServerOptions {
  /** A client whose key is one of the sandbox; undefined where none is known. */
  sandbox(): Triggers | undefined;
}

const MOST_TEXT = 60_000;
const CONFIRM_MS = 10 * 60_000;

const Time = z.string().describe('RFC 3339, or how long ago: "15m", "24h", "7d"');
const Types = z.array(z.string()).optional().describe('Event types, or patterns of them such as "order.*"');
const Limit = z.number().int().min(1).max(100).default(20);

interface Result {
  [more: string]: unknown;
  content: { type: "text"; text: string }[];
  isError?: boolean;
}

function textResult(value: unknown): Result {
  const text = typeof value === "string" ? value : writeLossless(value);
  const cut = text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}\n… cut: ask for less` : text;
  return { content: [{ type: "text", text: cut }] };
}

/** A refusal is an answer that the assistant can act on. */
async function answered(work: () => Promise<unknown>): Promise<Result> {
  try {
    return textResult(await work());
  } catch (error) {
    const { code, details, docs } = error instanceof TriggersError ? error : ({} as Partial<TriggersError>);
    const message = error instanceof Error ? error.message : String(error);
    return { ...textResult({ error: { code, message, details, docs } }), isError: true };
  }
}

const defined = (members: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

/** What can be asked of numbers, as the API has it. */
const { measures, last, interval, group_by, filter } = MetricsQuery.shape;

/** The server, not yet connected. */
export function serverOf(triggers: Triggers, { sandbox }: ServerOptions): McpServer {
  const server = new McpServer({ name: "triggers", version: manifest.version });
  const reads = { readOnlyHint: true, openWorldHint: false } as const;

  server.registerTool(
    "find_events",
    {
      title: "Find events",
      description: "Recorded events, the newest first: by type, status, time, text in the payload, or a CEL condition.",
      inputSchema: {
        event_type: Types,
        status: z.array(z.enum(eventStatuses)).optional(),
        from: Time.optional(),
        to: Time.optional(),
        text: z.string().optional().describe("Text contained in the payload"),
        condition: z.string().optional().describe('CEL over the event, such as "event.amount > 100.0"'),
        limit: Limit,
      },
      annotations: reads,
    },
    ({ event_type, status, from, to, text, condition, limit }) =>
      answered(async () => {
        const query = defined({
          event_type,
          status,
          from: from === undefined ? undefined : when(from),
          to: to === undefined ? undefined : when(to),
          q: text,
          filter: condition,
          acknowledged: "all",
          limit: String(limit),
        });
        return { events: await triggers.inbox(query as never).take(limit) };
      }),
  );

  server.registerTool(
    "why",
    {
      title: "Why did or didn't something run?",
      description:
        "What became of an event: its stages and attempts, who matched, and the clause that decided against it elsewhere.",
      inputSchema: { event_id: z.string().describe("evt_…") },
      annotations: reads,
    },
    ({ event_id }) => answered(() => storyOf(triggers, event_id)),
  );

  server.registerTool(
    "rehearse",
    {
      title: "Rehearse a selector",
      description: "Runs a selector over recorded events before it is saved: what it matches, and what it nearly does.",
      inputSchema: {
        event_type: Types,
        jsonpath: z.string().optional().describe("$.lines[?@.qty > 10]"),
        cel: z.string().optional().describe("event.amount > 100.0"),
        from: Time.default("24h"),
        limit: z.number().int().min(1).max(10_000).default(1_000).describe("Events to examine"),
      },
      annotations: reads,
    },
    ({ event_type, jsonpath, cel, from, limit }) =>
      answered(() => {
        const event_selector = defined({ event_type, jsonpath, cel });
        return triggers.rehearse({ event_selector, from: when(from), limit } as never);
      }),
  );

  server.registerTool(
    "metrics",
    {
      title: "Query numbers",
      description: "Counts, rates and latencies over time.",
      inputSchema: { measures, last: last.default("24h"), interval, group_by, filter },
      annotations: reads,
    },
    (query) => answered(() => triggers.metrics(defined(query) as never)),
  );

  server.registerTool(
    "problems",
    {
      title: "List problems",
      description: "What fails now, grouped by subscription and cause, with an explanation and advice.",
      inputSchema: {
        state: z.array(z.enum(problemStates)).default(["open"]),
        limit: Limit,
      },
      annotations: reads,
    },
    ({ state, limit }) =>
      answered(async () => ({ problems: await triggers.list("/problems", { query: { state } as never }).take(limit) })),
  );

  server.registerTool(
    "send_test_event",
    {
      title: "Send an event to the sandbox",
      description: "Sends one event to the sandbox, never to live subscriptions, and says who would receive it.",
      inputSchema: {
        event: z
          .record(z.string(), z.unknown())
          .describe('The event, such as { "event_type": "order.created", "order": 42 }'),
      },
      annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: false },
    },
    ({ event }) =>
      answered(async () => {
        const client = sandbox();
        if (client === undefined)
          throw new Error(
            "There is no sandbox key: set TRIGGERS_SANDBOX_KEY for this server. Live events are not sent from here.",
          );
        const { results } = await client.dryRun(event);
        const accepted = await client.send(event);
        const receivers = results[0]?.subscriptions
          .filter(({ matched }) => matched)
          .map(({ subscription_id }) => subscription_id);
        return { ...accepted, environment: "sandbox", receivers };
      }),
  );

  const waiting = new Map<string, { readonly body: string; readonly until: number }>();
  server.registerTool(
    "replay",
    {
      title: "Deliver recorded events again",
      description:
        "Call it without `confirm` first: it counts, sends nothing, and answers a token. Show the count to the person, and call it again with the same arguments and the token once they agree.",
      inputSchema: {
        event_ids: z.array(z.string()).min(1).max(1_000).optional(),
        from: Time.optional().describe("Needed unless event_ids are given"),
        to: Time.optional(),
        event_type: z.array(z.string()).min(1).optional(),
        subscription_ids: z
          .array(z.string())
          .min(1)
          .optional()
          .describe("By default every subscription that matches today"),
        confirm: z.string().optional().describe("The token of the count"),
      },
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    },
    ({ confirm, from, to, ...rest }) =>
      answered(async () => {
        if (rest.event_ids === undefined && from === undefined) throw new Error("Give event_ids, or from.");
        const said = JSON.stringify([from, to, rest]);
        if (confirm !== undefined) {
          const counted = waiting.get(confirm);
          waiting.delete(confirm);
          if (counted === undefined || counted.until < Date.now() || counted.body !== said)
            throw new Error("That token does not belong to these arguments, or is used up: count again without it.");
        }
        const body = defined({
          ...rest,
          from: from === undefined ? undefined : when(from),
          to: to === undefined ? undefined : when(to),
        }) as ReplayBody;
        if (confirm !== undefined) return triggers.replay(body as never);
        const count = await countReplay(triggers, body);
        const token = randomUUID();
        waiting.set(token, { body: said, until: Date.now() + CONFIRM_MS });
        return { count, says: `${countText(count)} would be delivered again. Nothing was sent yet.`, confirm: token };
      }),
  );

  let search: ReturnType<typeof import("./docs.ts").docsSearch> | undefined;
  server.registerTool(
    "search_docs",
    {
      title: "Search the documentation",
      description: "Guides, the reference of the API and the error catalog of this platform.",
      inputSchema: { query: z.string().min(1), limit: z.number().int().min(1).max(20).default(5) },
      annotations: reads,
    },
    ({ query, limit }) =>
      answered(async () => {
        search ??= import("./docs.ts").then(({ docsSearch }) => docsSearch(triggers));
        const found = search;
        // A platform that was away is asked again.
        found.catch(() => {
          search = undefined;
        });
        return { pages: (await found)(query, limit) };
      }),
  );

  server.registerTool(
    "read",
    {
      title: "Read anything of the API",
      description: "Any GET of the API by its path, such as /subscriptions or /events/evt_…/journey. Changes nothing.",
      inputSchema: {
        path: z
          .string()
          .regex(/^\/(?!\/)/, "begins with one slash")
          .describe("Path, without the query"),
        query: z.record(z.string(), z.union([z.string(), z.array(z.string())])).default({}),
      },
      annotations: reads,
    },
    ({ path, query }) => answered(() => triggers.call("GET", path as "/inbox", { query } as never)),
  );

  return server;
}

/** Serves over standard input and output until the client goes. */
export async function serve(triggers: Triggers, options: ServerOptions): Promise<void> {
  const transport = new StdioServerTransport();
  const ended = new Promise<void>((resolve) => {
    transport.onclose = resolve;
    process.stdin.once("end", resolve);
  });
  await serverOf(triggers, options).connect(transport);
  await ended;
}
