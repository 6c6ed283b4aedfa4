import type { Schemas } from "../../../../runtime/domain/body/validate.ts";
import type { IngestMessage } from "../../../../runtime/domain/codec/index.ts";
import { unpack } from "../../../../runtime/domain/codec/pack.ts";
import { encodeIdentity, IDENTITY_HEADER, type Identity } from "../../../../runtime/domain/identity/identity.ts";
import { accept, type IngestAnswer, type IngestRequest, type Ports } from "../../../../runtime/ingest/accept.ts";
import type { RedisScripts } from "../../../../runtime/redis/connect.ts";
import { IdempotencyStore } from "../../../../runtime/redis/idempotency.ts";
import { Limiter } from "../../../../runtime/redis/limiter.ts";

export const START = Date.UTC(2026, 10, 25);

export const identity: Identity = {
  customer_id: "cus_01ARZ3NDEKTSV4RRFFQ69G5FAV",
  environment: "live",
  key_id: "key_01ARZ3NDEKTSV4RRFFQ69G5FAV",
  scopes: ["events:write"],
  limit_per_second: 1_000,
};

/** What a platform around `accept` does, all of it in memory but Redis. */
export interface TestPlatform {
  readonly ports: Ports;
  readonly sent: IngestMessage[];
  readonly payloads: Map<string, Buffer>;
  readonly failures: string[];
  /** Answers that made no batch: key and outcome. */
  readonly answered: string[];
  now: number;
  post(body: string | Buffer, headers?: Readonly<Record<string, string>>, who?: Identity): Promise<IngestAnswer>;
}

export function platformOver(
  redis: RedisScripts,
  overrides: Partial<Ports> = {},
  schemas: Schemas = () => undefined,
): TestPlatform {
  const sent: IngestMessage[] = [];
  const payloads = new Map<string, Buffer>();
  const failures: string[] = [];
  const answered: string[] = [];
  const platform: TestPlatform = {
    sent,
    payloads,
    failures,
    answered,
    now: START,
    ports: {
      callerOf: async (_, headers) => headers,
      limiter: new Limiter({ redis, now: () => platform.now, failedOpen: () => failures.push("limiter") }),
      idempotency: new IdempotencyStore(redis),
      schemas: async () => schemas,
      putPayload: async (key, packed) => {
        payloads.set(key, packed);
      },
      send: async (message) => {
        sent.push(message);
      },
      now: () => platform.now,
      answered: (who, outcome) => answered.push(`${who.key_id} ${outcome}`),
      failed: (what) => failures.push(what),
      ...overrides,
    },
    post: (body, headers = {}, who = identity) => accept(request(body, headers, who), platform.ports),
  };
  return platform;
}

export const request = (
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
  who: Identity = identity,
): IngestRequest => ({
  method: "POST",
  path: "/events",
  headers: { [IDENTITY_HEADER]: encodeIdentity(who), "content-type": "application/json", ...headers },
  body: Buffer.from(body),
});

/** The texts of the events that a message carries. */
export const textsOf = ({ body }: IngestMessage): string[] =>
  "inline" in body ? unpack(body.inline).map((event) => event.toString("utf8")) : [];
