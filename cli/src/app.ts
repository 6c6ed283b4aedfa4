import { buildApplication, buildCommand, buildRouteMap, text_en } from "@stricli/core";
import manifest from "../package.json" with { type: "json" };
import type { Context } from "./run.ts";

/** The commands: what each takes, and where its code is. Nothing of it is loaded before it is asked for. */

const text = (value: string): string => value;
const whole = (value: string): number => {
  if (!/^\d+$/.test(value)) throw new SyntaxError(`${value} is no whole number`);
  return Number(value);
};
const positive = (value: string): number => {
  if (whole(value) === 0) throw new SyntaxError("write 1 or more");
  return whole(value);
};

/** Of every command. */
const answering = {
  json: { kind: "boolean", brief: "Answer in JSON, one object a line", default: false, withNegated: false },
} as const;

const address = {
  kind: "parsed",
  parse: text,
  brief: "Address of the platform (TRIGGERS_URL)",
  optional: true,
  placeholder: "url",
} as const;

/** Of every command that asks the platform, as somebody. */
const connecting = {
  url: address,
  keyFile: {
    kind: "parsed",
    parse: text,
    brief: "File with the API key, mode 600 (else TRIGGERS_API_KEY, or what login kept)",
    optional: true,
    placeholder: "file",
  },
  local: {
    kind: "boolean",
    brief: "The platform on this machine, before all others",
    default: false,
    withNegated: false,
  },
  sandbox: {
    kind: "boolean",
    brief: "The sandbox of the platform on this machine",
    default: false,
    withNegated: false,
  },
} as const;

const flag = (brief: string) => ({ kind: "boolean", brief, default: false, withNegated: false }) as const;
const word = (brief: string, placeholder = "text") =>
  ({ kind: "parsed", parse: text, brief, optional: true, placeholder }) as const;
const words = (brief: string, placeholder = "text") =>
  ({ kind: "parsed", parse: text, brief, optional: true, variadic: true, placeholder }) as const;
const count = (brief: string) =>
  ({ kind: "parsed", parse: positive, brief, optional: true, placeholder: "number" }) as const;
const one = (brief: string, placeholder: string) =>
  ({ kind: "tuple", parameters: [{ parse: text, brief, placeholder }] }) as const;
const maybe = (brief: string, placeholder: string) =>
  ({ kind: "tuple", parameters: [{ parse: text, brief, placeholder, optional: true }] }) as const;
const none = { kind: "tuple", parameters: [] } as const;

const selecting = {
  type: words("Event type, or a pattern of them: order.*", "type"),
  jsonpath: word("$.lines[?@.qty > 10]", "path"),
  cel: word("event.amount > 100.0", "condition"),
} as const;

type Taken = { readonly flags: Readonly<Record<string, unknown>>; readonly positional: unknown };

/** @param load gives the command's function @param more below its first sentence @param common flags that others have as well */
function made(
  brief: string,
  load: () => Promise<unknown>,
  { flags, positional }: Taken,
  more?: string,
  common: object = connecting,
) {
  return buildCommand<Record<string, unknown>, readonly string[], Context>({
    loader: load as never,
    parameters: { flags: { ...flags, ...common, ...answering }, positional } as never,
    docs: { brief, ...(more === undefined ? {} : { fullDescription: `${brief}\n\n${more}` }) },
  });
}

const subscriptions = () => import("./commands/subscriptions.ts");
const keys = () => import("./commands/keys.ts");

const routes = buildRouteMap<string, Context>({
  routes: {
    start: made(
      "Start the platform on this machine, in a checkout of it",
      async () => (await import("./commands/start.ts")).default,
      {
        flags: {
          port: {
            kind: "parsed",
            parse: whole,
            brief: "Port (8080); 0 picks one",
            optional: true,
            placeholder: "number",
          },
          fresh: flag("Delete its state first"),
        },
        positional: none,
      },
      undefined,
      {},
    ),
    login: made(
      "Keep an API key for an address, in a file that only you can read",
      async () => (await import("./commands/login.ts")).default,
      {
        flags: { keyStdin: flag("Read the key from standard input"), forget: flag("Forget it instead") },
        positional: none,
      },
      "  triggers login --url https://triggers.example.com\n  triggers login --key-stdin < key.txt",
      { url: address },
    ),
    send: made(
      "Send an event, or a list of them",
      async () => (await import("./commands/send.ts")).default,
      {
        flags: {
          data: word("JSON text", "json"),
          template: {
            ...word("An event to begin with", "name"),
            proposeCompletions: async () => (await import("./commands/send.ts")).templateNames,
          },
          lines: flag("The file has an event a line: send them in batches, however many"),
          idempotencyKey: word("Sending it again with the same key makes no second event", "key"),
          dryRun: flag("Say who would receive it; nothing is stored or sent"),
        },
        positional: maybe("File with JSON; - for standard input", "file"),
      },
      "  triggers send order.json\n  triggers send --template order-created\n  cat events.jsonl | triggers send --lines",
    ),
    listen: made(
      "Receive webhooks at a port of this machine, without a tunnel",
      async () => (await import("./commands/listen.ts")).default,
      {
        flags: {
          ...selecting,
          path: word("Path at that port (/)", "path"),
          like: word("Receive what this subscription receives", "subscription"),
          single: flag("One object a post, in place of an array"),
          payload: flag("Bare payloads, without event_id and received_at"),
          keep: flag("Keep its subscription at the end, so that nothing is missed until the next start"),
          count: count("End after so many events"),
        },
        positional: one("Port of this machine, or an address", "port"),
      },
      "A subscription of its own collects what matches; this pulls from its backlog and posts on, headers, signature and body as a delivery\nhas them. While nothing listens at the port, while this machine sleeps, and while the platform is away, everything waits there.",
    ),
    tail: made("Show events as they come in", async () => (await import("./commands/tail.ts")).default, {
      flags: {
        type: selecting.type,
        filter: word("CEL over the event", "condition"),
        contains: word("Text in the payload"),
        since: word("Begin then: 15m, 24h, or a time", "when"),
        count: count("End after so many events"),
      },
      positional: none,
    }),
    why: made("Say what became of an event, and why", async () => (await import("./commands/why.ts")).default, {
      flags: {},
      positional: one("Event id", "event-id"),
    }),
    rehearse: made(
      "Run a selector over recorded events before it is saved",
      async () => (await import("./commands/rehearse.ts")).default,
      {
        flags: {
          ...selecting,
          since: {
            kind: "parsed",
            parse: text,
            brief: "Events received since: 15m, 24h, or a time",
            default: "24h",
            placeholder: "when",
          },
          limit: {
            kind: "parsed",
            parse: positive,
            brief: "Events to examine",
            default: "1000",
            placeholder: "number",
          },
        },
        positional: maybe("Selector: an event type, a pattern, or a JSONPath", "selector"),
      },
    ),
    replay: made(
      "Deliver recorded events again, counted first",
      async () => (await import("./commands/replay.ts")).default,
      {
        flags: {
          from: word("Received since: 15m, 24h, or a time", "when"),
          to: word("Received before", "when"),
          type: selecting.type,
          subscription: words("Only to these", "subscription"),
          rate: count("Events per second, at most"),
          yes: flag("Don't ask"),
          wait: flag("Wait until it is over"),
        },
        positional: { kind: "array", parameter: { parse: text, brief: "Event ids", placeholder: "event-id" } },
      },
    ),
    subscriptions: buildRouteMap<string, Context>({
      routes: {
        list: made("List subscriptions", async () => (await subscriptions()).list, { flags: {}, positional: none }),
        get: made("Show a subscription", async () => (await subscriptions()).get, {
          flags: {},
          positional: one("Subscription id", "id"),
        }),
        create: made("Subscribe a webhook", async () => (await subscriptions()).create, {
          flags: {
            ...selecting,
            workflow: word("Name of what it starts", "workflow-id"),
            file: word("File with the whole definition; - for standard input", "file"),
            secretFile: word("Put the signing secret there, and not on the screen", "file"),
          },
          positional: maybe("Webhook's URL", "webhook-url"),
        }),
        test: made("Send a sample now, and show what came back", async () => (await subscriptions()).test, {
          flags: {},
          positional: one("Subscription id", "id"),
        }),
        enable: made("Enable a subscription", async () => (await subscriptions()).enable, {
          flags: {},
          positional: one("Subscription id", "id"),
        }),
        disable: made("Disable a subscription: what arrives waits", async () => (await subscriptions()).disable, {
          flags: {},
          positional: one("Subscription id", "id"),
        }),
        remove: made("Remove a subscription", async () => (await subscriptions()).remove, {
          flags: { yes: flag("Don't ask") },
          positional: one("Subscription id", "id"),
        }),
      },
      docs: { brief: "List, make, test and change subscriptions" },
    }),
    import: made(
      "Make subscriptions of an export of Svix, Hookdeck or EventBridge, and say where they differ",
      async () => (await import("./commands/import.ts")).default,
      {
        flags: {
          from: { kind: "enum", values: ["svix", "hookdeck", "eventbridge"], brief: "Where the export comes from" },
          apply: flag("Make them; without it, nothing is changed"),
          secrets: word("With --apply: file for the signing secrets of those made, for its owner alone", "file"),
        },
        positional: one("File with the export; - for standard input", "file"),
      },
    ),
    keys: buildRouteMap<string, Context>({
      routes: {
        list: made("List API keys", async () => (await keys()).list, { flags: {}, positional: none }),
        create: made("Make an API key, into a file", async () => (await keys()).create, {
          flags: {
            out: { kind: "parsed", parse: text, brief: "File for the key, mode 600", placeholder: "file" },
            name: word("Name"),
            environment: { kind: "enum", values: ["live", "sandbox"], brief: "Environment (live)", optional: true },
            scope: words("Scope; several are possible", "scope"),
            expires: word("When it ends: 2027-01-01T00:00:00Z", "time"),
            limit: count("Events per second"),
          },
          positional: none,
        }),
        rotate: made("Give a key a new secret, into a file", async () => (await keys()).rotate, {
          flags: {
            out: { kind: "parsed", parse: text, brief: "File for the key, mode 600", placeholder: "file" },
            overlap: {
              kind: "parsed",
              parse: whole,
              brief: "Seconds for which the old one works",
              default: "86400",
              placeholder: "seconds",
            },
          },
          positional: one("Key id", "key-id"),
        }),
        revoke: made("Revoke a key", async () => (await keys()).revoke, {
          flags: { yes: flag("Don't ask") },
          positional: one("Key id", "key-id"),
        }),
      },
      docs: { brief: "List, make, rotate and revoke API keys" },
    }),
    status: made("State of the platform", async () => (await import("./commands/status.ts")).default, {
      flags: {},
      positional: none,
    }),
    mcp: made(
      "Serve these tools to an assistant (Model Context Protocol, standard input and output)",
      async () => (await import("./commands/mcp.ts")).default,
      { flags: {}, positional: none },
    ),
    completion: made(
      "Print the completion script of a shell",
      async () => (await import("./commands/completion.ts")).default,
      {
        flags: {},
        positional: {
          kind: "tuple",
          parameters: [
            {
              parse: (value: string) => {
                if (!["bash", "zsh", "fish"].includes(value)) throw new SyntaxError("one of bash, zsh, fish");
                return value;
              },
              brief: "bash, zsh or fish",
              placeholder: "shell",
              proposeCompletions: () => ["bash", "zsh", "fish"],
            },
          ],
        },
      },
      "  source <(triggers completion bash)\n  source <(triggers completion zsh)\n  triggers completion fish | source",
      {},
    ),
  },
  docs: {
    brief: "Triggers in a terminal",
    fullDescription:
      "Send events, receive webhooks on this machine, and see why something did or did not happen.\n\n  triggers <command> --help says what a command takes.\n\nExit codes: 0 done, 1 failed, 2 the command line is wrong or a confirmation is missing, 3 no key or a refused one, 4 not found,\n5 refused by the platform, 6 the platform can't be reached or failed, 7 the answer is bad news, 130 interrupted.",
  },
});

/** What a wrong command line is answered with, and what goes wrong before a command begins. @param json as JSON, as the command itself tells faults */
function faultTexts(json: boolean) {
  const told = (message: string) =>
    json ? JSON.stringify({ error: { code: "command", message } }) : `triggers: ${message}`;
  return {
    ...text_en,
    noCommandRegisteredForInput: (args: Parameters<typeof text_en.noCommandRegisteredForInput>[0]) =>
      told(text_en.noCommandRegisteredForInput(args)),
    exceptionWhileParsingArguments(fault: unknown, colour: boolean) {
      return told(text_en.exceptionWhileParsingArguments.call(this, fault, colour));
    },
    exceptionWhileLoadingCommandFunction: (error: unknown) => told((error as Error).message),
  } satisfies typeof text_en;
}

/** The program. @param json whether a wrong command line is told in JSON */
export const appFor = (json: boolean) =>
  buildApplication(routes, {
    name: "triggers",
    versionInfo: { currentVersion: manifest.version },
    scanner: { caseStyle: "allow-kebab-for-camel" },
    // What may be left out stands in the help of its command.
    documentation: { onlyRequiredInUsageLine: true, ...(json ? { disableAnsiColor: true } : {}) },
    localization: { text: faultTexts(json) },
  });
