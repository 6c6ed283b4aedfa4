import { askTargets, invokeOver, serviceOver } from "../aws/service.ts";
import { defined, mapDefined } from "../domain/defined.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { Ulid } from "../domain/ids.ts";
import { type DeliveryTarget, type Enrich, METADATA } from "../domain/subscription.ts";
import { metadataOf } from "../domain/webhook/metadata.ts";
import { bodyOf, headersOf, textsOf, webhookId } from "../domain/webhook/webhookPost.ts";
import { applyTransform, enrichmentKey, rowOf } from "../matching/index.ts";
import type { Deps } from "./deps.ts";
import { MASK } from "./subscriptionInput.ts";

/** What a subscriber would receive, written by the same code that delivers, and not sent. */
export interface Preview {
  readonly headers: Readonly<Record<string, string>>;
  /** The body's exact text. */
  readonly body: string;
}

/** One event as it is, or would be, recorded. */
export interface Sample {
  /** ULID of the first event of its batch. */
  readonly first: Ulid;
  readonly types: readonly (string | null)[];
  readonly offset: number;
  readonly raw: Buffer;
  /** Name of the key that sent it. */
  readonly key_name?: string | undefined;
}

export interface Previewer {
  /** Definitions for delivery of these subscriptions, by id. */
  targets(tenant: Tenant, ids: readonly string[]): Promise<Map<string, DeliveryTarget>>;
  /**
   * A post of this one event alone. Values of the subscription's own headers are masked.
   * @param post which attempt it is, which replay made its delivery, and which one it names @default the first attempt
   */
  preview(
    target: DeliveryTarget,
    sample: Sample,
    post?: {
      readonly attempt: number;
      readonly replay_id?: string | undefined;
      readonly told_replay?: string | undefined;
    },
  ): Promise<Preview>;
}

const IDS_PER_CALL = 500;

/** For one request: it remembers the rows of reference tables that it met. */
export function previewer(deps: Deps): Previewer {
  const service = serviceOver(invokeOver(deps.lambda), deps.env.SUBSCRIPTIONS_FUNCTION);
  const rows = new Map<string, Promise<string | undefined>>();
  const row = (tenant: Tenant, enrich: Enrich, { first, raw, key_name }: Sample) => {
    if (enrich.from === METADATA) return JSON.stringify(metadataOf(first, deps.region, key_name));
    const key = enrichmentKey(enrich, raw);
    if (key === undefined) return undefined;
    const { text, number } = key;
    const id = `${enrich.from}\n${number === undefined ? "" : "#"}${text}`;
    let found = rows.get(id);
    if (found === undefined) {
      found = service({
        op: "reference",
        tenant,
        table: enrich.from,
        keys: [text],
        ...defined({ number_keys: mapDefined(number, (number) => [number]) }),
      }).then(({ answer }) => rowOf(key, answer.rows));
      rows.set(id, found);
    }
    return found;
  };
  return {
    async targets(tenant, ids) {
      const found = new Map<string, DeliveryTarget>();
      for (let from = 0; from < ids.length; from += IDS_PER_CALL) {
        const wanted = ids.slice(from, from + IDS_PER_CALL).map((subscription_id) => ({ tenant, subscription_id }));
        for (const target of (await askTargets(service, wanted)).targets) found.set(target.subscription_id, target);
      }
      return found;
    },
    async preview(target, sample, { attempt, replay_id, told_replay } = { attempt: 1 }) {
      const { first, types, offset, raw } = sample;
      const { enrich, transform, tenant } = target;
      const enrichment = enrich && { as: enrich.as, row: await row(tenant, enrich, sample) };
      const slice = { first, types, offsets: [offset], payloads: [applyTransform(raw, transform, enrichment)] };
      const body = bodyOf(target, textsOf(target.format, slice));
      const id = webhookId(target.subscription_id, replay_id, [slice]);
      const headers = headersOf(target, { id, attempt, slices: [slice], replay_id: told_replay }, body, deps.now());
      const own = new Set(Object.keys(target.headers).map((name) => name.toLowerCase()));
      return {
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, own.has(name) ? MASK : value]),
        ),
        body: body.toString("utf8"),
      };
    },
  };
}
