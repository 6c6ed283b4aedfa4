import { setImmediate as immediate } from "node:timers/promises";
import { compileSchema, type SchemaCheck } from "../domain/body/schema.ts";
import type { Schemas } from "../domain/body/validate.ts";
import { FreshCache, type Freshness } from "../domain/freshCache.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { TenantSchemas } from "../domain/service.ts";
import type { Millis } from "../domain/time.ts";

/**
 * The schemas of each tenant's event types. A registered schema counts for requests that begin 5 s later, so what is
 * older is asked for again before it is used; while a tenant is busy this happens ahead of time, beside its requests, and in
 * one question for all busy tenants, so that the service's load follows the environments and not the customers.
 * When the subscriptions service is away, the last known schemas count. A tenant that is new here has none then: accepting events comes
 * first.
 */

/** A change counts 5 s later; half a second is left for the answer's own way. */
const FRESHNESS: Freshness = {
  refreshAfter: 3_000,
  waitAfter: 4_500,
  serveUntil: Number.POSITIVE_INFINITY,
  patience: (held) => (held ? 250 : 2_000),
};
const MAX_TENANTS = 500;
/** Tenants in one question. */
const MAX_ASKED = 100;

export interface SchemaPorts {
  /** @param known the versions that are known, -1 for none; the one that is waited for first */
  fetch(known: readonly { tenant: Tenant; version: number }[]): Promise<readonly TenantSchemas[]>;
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
      ask: async (asked) => {
        const held = new Map(asked.map(({ key, held }) => [key, held]));
        const answers = await ports.fetch(
          asked.map(({ key, held }) => ({ tenant: key, version: held?.version ?? -1 })),
        );
        return new Map(answers.flatMap((answer) => taken(answer, held.get(answer.tenant))));
      },
      failed: (cause) => ports.failed("ingest.schemas_unavailable", cause),
    });
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
