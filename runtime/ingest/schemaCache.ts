import { LRUCache } from "lru-cache";
import type { Tenant } from "../domain/identity.ts";
import { compileSchema, type SchemaCheck } from "../domain/schema.ts";
import type { ServiceAnswers } from "../domain/service.ts";
import type { Schemas } from "../domain/validate.ts";

/**
 * The schemas of each tenant's event types. A registered schema counts for requests that begin 5 s later, so what is
 * older is asked for again before it is used; while a tenant is busy this happens ahead of time, beside its requests.
 * When the subscriptions service is away, what was last known counts, and for a tenant never seen before no schema:
 * taking events in comes first.
 */

/** Older than this, and the next request fetches anew without waiting. */
const AHEAD_MS = 3_000;
/** Older than this, and the next request waits for the new ones. Leaves room for the answer's own way. */
const STALE_MS = 4_500;
/** How long a request waits at most: with and without old schemas to fall back on. */
const PATIENCE_MS = 250;
const FIRST_PATIENCE_MS = 2_000;
const MAX_TENANTS = 500;

export interface SchemaPorts {
  fetch(tenant: Tenant): Promise<ServiceAnswers["schemas"]>;
  now(): number;
  /** The service is away, or a stored schema does not compile. */
  failed(what: string, cause: unknown): void;
}

interface Entry {
  version: number;
  /** When the request was made whose answer this is. */
  asOf: number;
  documents: ReadonlyMap<string, unknown>;
  readonly compiled: Map<string, SchemaCheck | undefined>;
}

/** Resolves with the work, or after the time; leaves no timer behind. */
function atMost(work: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    void work.finally(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

export class SchemaCache {
  private readonly ports: SchemaPorts;
  private readonly entries = new LRUCache<Tenant, Entry>({ max: MAX_TENANTS });
  private readonly fetching = new Map<Tenant, Promise<void>>();

  constructor(ports: SchemaPorts) {
    this.ports = ports;
  }

  async of(tenant: Tenant): Promise<Schemas> {
    const entry = this.entries.get(tenant);
    const age = entry === undefined ? Number.POSITIVE_INFINITY : this.ports.now() - entry.asOf;
    if (age > AHEAD_MS) {
      const refreshed = this.refresh(tenant);
      if (age > STALE_MS) await atMost(refreshed, entry === undefined ? FIRST_PATIENCE_MS : PATIENCE_MS);
    }
    const current = this.entries.get(tenant);
    return current === undefined || current.documents.size === 0 ? none : (type) => this.check(current, type);
  }

  private refresh(tenant: Tenant): Promise<void> {
    const running = this.fetching.get(tenant);
    if (running !== undefined) return running;
    const asOf = this.ports.now();
    const work = this.ports
      .fetch(tenant)
      .then(({ version, schemas }) => {
        const entry = this.entries.get(tenant);
        if (entry?.version === version) entry.asOf = asOf;
        else {
          const documents = new Map(schemas.map(({ event_type, schema }) => [event_type, schema]));
          this.entries.set(tenant, { version, asOf, documents, compiled: new Map() });
        }
      })
      .catch((cause: unknown) => this.ports.failed("ingest.schemas_unavailable", cause))
      .finally(() => this.fetching.delete(tenant));
    this.fetching.set(tenant, work);
    return work;
  }

  /** Compiled at its first use: a tenant may have many types and send few. */
  private check(entry: Entry, type: string): SchemaCheck | undefined {
    if (!entry.documents.has(type)) return undefined;
    if (!entry.compiled.has(type)) {
      let check: SchemaCheck | undefined;
      try {
        check = compileSchema(entry.documents.get(type));
      } catch (cause) {
        this.ports.failed("ingest.schema_unusable", cause);
      }
      entry.compiled.set(type, check);
    }
    return entry.compiled.get(type);
  }
}

const none: Schemas = () => undefined;
