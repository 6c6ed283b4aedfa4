import { addOnce, getItem, type Table } from "../aws/tables.ts";
import { N } from "../domain/codec/fields.ts";
import { type Millis, secondsOf } from "../domain/time.ts";
import { hostKey } from "./keys.ts";

/** What all execution environments have posted to a host in a window of ten seconds: one item each, which goes by itself. */
const KEEP_SECONDS = 3_600;

export interface HostCounts {
  /** Posts by lane. */
  readonly lanes: ReadonlyMap<number, number>;
  /** Posts that the host accepted. */
  readonly accepted: number;
  /** Posts that were put off. */
  readonly held: number;
}

/** Adds counts to a host's. @param window counted since the epoch; `now` in milliseconds @returns what all have counted by now */
export async function addHostCounts(
  events: Table,
  { host, window, now }: { readonly host: string; readonly window: number; readonly now: Millis },
  { lanes, accepted, held }: HostCounts,
): Promise<HostCounts> {
  const added: [string, number][] = [
    ...[...lanes].map(([lane, posts]): [string, number] => [`l${lane}`, posts]),
    ["accepted", accepted],
    ["held", held],
  ];
  const key = hostKey(host, window);
  const counts = await addOnce(events, key, {
    UpdateExpression: `SET expires_at = :x ADD ${added.map(([name]) => `${name} :${name}`).join(", ")}`,
    ExpressionAttributeValues: {
      ":x": N(secondsOf(now) + KEEP_SECONDS),
      ...Object.fromEntries(added.map(([name, posts]) => [`:${name}`, N(posts)])),
    },
    ReturnValues: "ALL_NEW",
  });
  const all = counts ?? (await getItem(events, key, "strong"));
  const countOf = (name: string) => Number(all?.[name]?.N ?? 0);
  const counted = Object.keys(all ?? {}).filter((name) => /^l\d+$/.test(name));
  return {
    lanes: new Map(counted.map((name) => [Number(name.slice(1)), countOf(name)])),
    accepted: countOf("accepted"),
    held: countOf("held"),
  };
}
