import { defined } from "../../runtime/domain/defined.ts";
import { list } from "../declared.ts";
import type { Inputs } from "../service.ts";
import type { ObjectStore } from "./store.ts";

/** What a lifecycle rule makes S3 do in time: expiry and clearing of unfinished uploads. Transitions change only the price. */
export interface Rule {
  readonly prefix: string;
  readonly expireAfterMs?: number;
  readonly oldVersionsAfterMs?: number;
  readonly abortUploadsAfterMs?: number;
}

const DAY_MS = 86_400_000;

const days = (value: unknown): number | undefined =>
  typeof value === "number" && value > 0 ? value * DAY_MS : undefined;

/** @param declared rules of `aws:s3/bucketLifecycleConfiguration`. @throws Error naming a filter that is not supported */
export function readRules(declared: unknown): readonly Rule[] {
  return list(declared)
    .filter(({ status }) => status === "Enabled")
    .map((rule) => {
      const filter = list(rule.filter)[0] ?? {};
      const unsupported = Object.keys(filter).find((member) => member !== "prefix" && filter[member] !== undefined);
      if (unsupported !== undefined)
        throw new Error(
          `the lifecycle rule "${String(rule.id)}" filters by "${unsupported}", which the local platform does not support`,
        );
      const first = (member: string): Inputs => list(rule[member])[0] ?? {};
      const expire = days(first("expiration").days);
      const old = days(first("noncurrentVersionExpiration").noncurrentDays);
      const abort = days(first("abortIncompleteMultipartUpload").daysAfterInitiation);
      return {
        prefix: String(filter.prefix ?? rule.prefix ?? ""),
        ...defined({ expireAfterMs: expire, oldVersionsAfterMs: old, abortUploadsAfterMs: abort }),
      };
    });
}

/** @returns how many objects and uploads went */
export function applyRules(store: ObjectStore, bucket: string, rules: readonly Rule[], now: number): number {
  let removed = 0;
  for (const { prefix, expireAfterMs, oldVersionsAfterMs, abortUploadsAfterMs } of rules) {
    if (expireAfterMs !== undefined) {
      let after = "";
      for (;;) {
        const page = store.list(bucket, prefix, after, 1000);
        for (const info of page.items) {
          after = info.key;
          if (info.modified + expireAfterMs > now) continue;
          store.delete(bucket, info.key);
          removed += 1;
        }
        if (!page.truncated) break;
      }
    }
    if (oldVersionsAfterMs !== undefined) {
      for (const info of store.versions(bucket, prefix)) {
        if (info.latest || info.modified + oldVersionsAfterMs > now || (info.lockedUntil ?? 0) > now) continue;
        store.delete(bucket, info.key, info.version);
        removed += 1;
      }
    }
    if (abortUploadsAfterMs !== undefined) {
      for (const upload of store.staleUploads(bucket, now - abortUploadsAfterMs)) {
        store.endUpload(upload);
        removed += 1;
      }
    }
  }
  return removed;
}
