import { LRUCache } from "lru-cache";
import { compileSchema, type SchemaCheck } from "../domain/body/schema.ts";
import type { Schemas } from "../domain/body/validate.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { TenantSchemas } from "../domain/service.ts";

/**
 * The schemas of each tenant's event types. A registered schema counts for requests that begin 5 s later, so what is
 * older is asked for again before it is used; while a tenant is busy this happens ahead of time, beside its requests, and in
 * one question for all busy tenants, so that the service's load follows the environments and not the customers.
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
/** Tenants in one question. */
const MAX_ASKED = 100;

export interface SchemaPorts {
  /** @param known the versions that are known, -1 for none; the one that is waited for first */
  fetch(known: readonly { tenant: Tenant; version: number }[]): Promise<readonly TenantSchemas[]>;
  now(): number;
  /** The service is away, or a stored schema does not compile. */
  failed(what: string, cause: unknown): void;
}

interface Entry {
  version: number;
  /** When the request was made whose answer this is. */
  asOf: number;
  /** Whether a request needed it since. */
  used: boolean;
  /** JSON texts by event type. */
  documents: ReadonlyMap<string, string>;
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
    if (entry !== undefined) entry.used = true;
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
    const due = [...this.entries].flatMap(([other, { used, asOf: then }]) =>
      other !== tenant && used && asOf - then > AHEAD_MS && !this.fetching.has(other) ? [other] : [],
    );
    const tenants = [tenant, ...due.slice(0, MAX_ASKED - 1)];
    const known = tenants.map((one) => ({ tenant: one, version: this.entries.peek(one)?.version ?? -1 }));
    const work = this.ports
      .fetch(known)
      .then((answers) => {
        for (const answer of answers) this.take(answer, asOf);
      })
      .catch((cause: unknown) => this.ports.failed("ingest.schemas_unavailable", cause))
      .finally(() => {
        for (const one of tenants) this.fetching.delete(one);
      });
    for (const one of tenants) this.fetching.set(one, work);
    return work;
  }

  private take({ tenant, version, schemas }: TenantSchemas, asOf: number): void {
    const entry = this.entries.peek(tenant);
    if (entry?.version === version) {
      entry.asOf = asOf;
      entry.used = false;
    } else if (schemas !== undefined) {
      const documents = new Map(schemas.map(({ event_type, schema_text }) => [event_type, schema_text]));
      this.entries.set(tenant, { version, asOf, used: false, documents, compiled: new Map() });
    }
  }

  /** Compiled at its first use: a tenant may have many types and send few. */
  private check(entry: Entry, type: string): SchemaCheck | undefined {
    const document = entry.documents.get(type);
    if (document === undefined) return undefined;
    if (!entry.compiled.has(type)) {
      let check: SchemaCheck | undefined;
      try {
        check = compileSchema(document);
      } catch (cause) {
        this.ports.failed("ingest.schema_unusable", cause);
      }
      entry.compiled.set(type, check);
    }
    return entry.compiled.get(type);
  }
}

const none: Schemas = () => undefined;
