import { setImmediate as immediate } from "node:timers/promises";
import { ageOf } from "../domain/age.ts";
import { compileSchema, type SchemaCheck } from "../domain/body/schema.ts";
import type { Schemas } from "../domain/body/validate.ts";
import { type Asked, FreshCache, type Freshness } from "../domain/freshCache.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { TenantSchemas } from "../domain/service.ts";
import type { Millis } from "../domain/time.ts";
import { NOTED_MS, type SchemaNotes } from "../redis/schemaNotes.ts";

/**
 * The schemas of each tenant's event types. A registered schema counts for requests that begin 5 s later, so what is
 * older is asked for again before it is used; while a tenant is busy this happens ahead of time, beside its requests, and in
 * one question for all busy tenants. What one environment is told of a version counts for the others too, by a note in Redis.
 * When the subscriptions service is away, the last known schemas count. A tenant that is new here has none then: accepting events comes
 * first.
 */

/** A change counts 5 s later: what a note may be older, and half a second for the answer's own way, are left of it. */
const FRESHNESS: Freshness = {
  refreshAfter: 2_000,
  waitAfter: 4_500 - NOTED_MS,
  serveUntil: Number.POSITIVE_INFINITY,
  patience: (held) => (held ? 250 : 2_000),
};
const MAX_TENANTS = 500;
/** Tenants in one question. */
const MAX_ASKED = 100;

export interface SchemaPorts {
  /** @param known the versions that are known, -1 for none; the one that is waited for first */
  fetch(known: readonly { tenant: Tenant; version: number }[]): Promise<readonly TenantSchemas[]>;
  readonly notes: SchemaNotes;
  now(): Millis;
  /** The service is away, or a stored schema does not compile. */
  failed(what: string, cause: unknown): void;
}

interface Known {
  readonly version: number;
  /** JSON texts by event type. */
  readonly documents: ReadonlyMap<string, string>;
  readonly compiled: Map<string, SchemaCheck | undefined>;
}

export class SchemaCache {
  private readonly ports: SchemaPorts;
  private readonly known: FreshCache<Tenant, Known>;

  constructor(ports: SchemaPorts) {
    this.ports = ports;
    this.known = new FreshCache({
      freshness: FRESHNESS,
      now: ports.now,
      max: MAX_TENANTS,
      together: MAX_ASKED,
      along: "used",
      ask: (asked) => this.ask(asked),
      failed: (cause) => ports.failed("ingest.schemas_unavailable", cause),
    });
  }

  private async ask(asked: readonly Asked<Tenant, Known>[]): Promise<ReadonlyMap<Tenant, Known>> {
    const { ports } = this;
    const noted = await ports.notes.read(asked.map(({ key }) => key));
    const [told, open] = [new Map<Tenant, Known>(), new Map<Tenant, Known | undefined>()];
    for (const { key, held } of asked) {
      const version = noted.get(key);
      if (held !== undefined && held.version === version) told.set(key, held);
      else if (version === 0) told.set(key, { version, documents: new Map(), compiled: new Map() });
      else open.set(key, held);
    }
    if (open.size === 0) return told;
    const began = ports.now();
    const answers = await ports.fetch([...open].map(([tenant, held]) => ({ tenant, version: held?.version ?? -1 })));
    ports.notes.write(new Map(answers.map(({ tenant, version }) => [tenant, version])), ageOf(began, ports.now()));
    return new Map([...told, ...answers.flatMap((answer) => taken(answer, open.get(answer.tenant)))]);
  }

  /** @param types of the events that are to be checked: their schemas are compiled in turns with what others ask */
  async of(tenant: Tenant, types: readonly (string | null)[] = []): Promise<Schemas> {
    const known = await this.known.get(tenant).catch(() => undefined);
    if (known === undefined || known.documents.size === 0) return none;
    for (const type of new Set(types)) {
      if (type === null || known.compiled.has(type) || !known.documents.has(type)) continue;
      this.check(known, type);
      await immediate();
    }
    return (type) => this.check(known, type);
  }

  /** Compiled at its first use: a tenant may have many types and send few. */
  private check(known: Known, type: string): SchemaCheck | undefined {
    const document = known.documents.get(type);
    if (document === undefined) return undefined;
    if (!known.compiled.has(type)) {
      let check: SchemaCheck | undefined;
      try {
        check = compileSchema(document);
      } catch (cause) {
        this.ports.failed("ingest.schema_unusable", cause);
      }
      known.compiled.set(type, check);
    }
    return known.compiled.get(type);
  }
}

const none: Schemas = () => undefined;

/**
 * The result of an answer: the held version confirmed, a new version, or nothing when the answer was too large for the schemas.
 */
function taken({ tenant, version, schemas }: TenantSchemas, held: Known | undefined): [Tenant, Known][] {
  if (held?.version === version) return [[tenant, held]];
  if (schemas === undefined) return [];
  const documents = new Map(schemas.map(({ event_type, schema_text }) => [event_type, schema_text]));
  return [[tenant, { version, documents, compiled: new Map() }]];
}
