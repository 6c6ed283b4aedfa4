import { sendOrThrow } from "../../aws/queues.ts";
import { askTargets } from "../../aws/service.ts";
import { attemptsOf } from "../../domain/attempts.ts";
import { encodeRetry } from "../../domain/codec/index.ts";
import { defined, mapDefined } from "../../domain/defined.ts";
import { parseDeliveryId, ulidIn } from "../../domain/ids.ts";
import type { Job, ReplayRequest } from "../../domain/job.ts";
import { errorClassOf } from "../../domain/metrics/names.ts";
import type { Millis } from "../../domain/time.ts";
import { type WantedTypes, wantedTypes, wantsType } from "../../matching/index.ts";
import { findEvents } from "../../store/batches/find.ts";
import { readDeliveries } from "../../store/deliveries/readDeliveries.ts";
import { deliverySortKey } from "../../store/keys.ts";
import type { Checkpoint, Slice, Tools } from "../work.ts";
import { Pace } from "./pace.ts";

interface Cursor {
  /** Sort key of the last delivery dealt with. */
  readonly delivery?: string;
  /** How much of its rate the replay has spent (`Pace`). */
  readonly spent?: number;
  readonly began: number;
}

const PAGE = 500;

/** Dead letters, or the deliveries of a problem, are tried again as themselves: same id, schedule anew; their posts name this replay. */
export async function retryDeadLetters(
  job: Job,
  request: ReplayRequest,
  tools: Tools,
  until: Millis,
  checkpoint: Checkpoint,
): Promise<Slice> {
  const cursor = (job.cursor as Cursor | null) ?? { began: tools.now() };
  const pace = new Pace(request, tools, cursor.spent);
  const types = wantedOf(request);
  const [subscriptionId] = request.subscription_ids ?? [];
  const ids = request.delivery_ids === undefined ? undefined : new Set(request.delivery_ids);
  const events = request.event_ids === undefined ? undefined : new Set(request.event_ids);
  let { matched = 0, sent = 0 } = job.progress;
  let after = cursor.delivery;
  const standing = () => ({
    cursor: { ...cursor, spent: pace.spent, ...defined({ delivery: after }) } satisfies Cursor,
    progress: { ...job.progress, matched, sent },
  });
  const goesOn = () => checkpoint(standing());
  for (;;) {
    const page = await readDeliveries(
      tools.store,
      job.tenant,
      {
        statuses: request.problem === undefined ? ["dead_lettered"] : ["dead_lettered", "failed", "pending"],
        ...defined({
          subscriptionId,
          from: mapDefined(request.from, (from) => Date.parse(from)),
          to: mapDefined(request.to, (to) => Date.parse(to)),
        }),
      },
      { began: cursor.began, ...defined({ after }) },
      { limit: PAGE, now: tools.now, removed: removedOf(job, tools) },
    );
    const wanted = page.deliveries.filter(
      ({ delivery_id, event_ids, attempts }) =>
        failedLike(attempts.at(-1), request.problem) &&
        (ids?.has(delivery_id) ?? true) &&
        (events === undefined || event_ids.some((id) => events.has(id))),
    );
    const kept = request.event_type === undefined ? wanted : await ofTypes(job, wanted, types, tools);
    for (const delivery of kept) {
      const { delivery_id, event_ids, replay_id: told } = delivery;
      const { first, subscription_id, replay_id } = parseDeliveryId(delivery_id)!;
      if (!(await pace.wait(event_ids.length, goesOn))) {
        return { ...standing(), waitSeconds: pace.dueIn(event_ids.length) / 1_000 };
      }
      const text = encodeRetry({
        tenant: job.tenant,
        subscription_id,
        batches: [first],
        attempts: attemptsOf(delivery),
        manual: true,
        retried_by: job.job_id,
        ...defined({ replay_id }),
      });
      // What an earlier run has had tried after it last saved its cursor counts, and goes on by its schedule.
      if (told !== job.job_id) await sendOrThrow(tools.sqs, tools.env.RETRY_QUEUE_URL, [{ text, group: job.tenant }]);
      matched += event_ids.length;
      sent += event_ids.length;
      after = deliverySortKey(first, subscription_id, replay_id);
      if (!(await goesOn()) || tools.now() >= until) return standing();
    }
    after = page.next?.after ?? after;
    if (page.next === null) return { ...standing(), result: { matched, sent } };
    if (!(await goesOn()) || tools.now() >= until) return standing();
  }
}

/** The event types that a replay is narrowed to. */
export const wantedOf = ({ event_type }: ReplayRequest): WantedTypes =>
  event_type === undefined ? {} : wantedTypes([event_type].flat());

/** Whether an attempt failed as a problem says, where one is named. */
const failedLike = (
  last: { readonly error: string | null; readonly status_code: number | null } | undefined,
  problem: ReplayRequest["problem"],
): boolean =>
  problem === undefined ||
  (last !== undefined &&
    last.status_code === problem.status_code &&
    errorClassOf(last.error, last.status_code) === problem.error);

/** Deliveries with an event of one of these types. */
async function ofTypes<D extends { readonly event_ids: readonly string[] }>(
  job: Job,
  deliveries: readonly D[],
  wanted: WantedTypes,
  tools: Tools,
): Promise<D[]> {
  const ulids = deliveries.flatMap(({ event_ids }) => event_ids.flatMap((id) => ulidIn("evt", id) ?? []));
  const found = await findEvents(tools.store, job.tenant, ulids, { now: tools.now(), body: false });
  return deliveries.filter(({ event_ids }) =>
    event_ids.some((id) => {
      const place = found.get(id.slice(4));
      return place !== undefined && wantsType(wanted, place.batch.types[place.offset] ?? null);
    }),
  );
}

const removedOf = (job: Job, tools: Tools) => async (ids: readonly string[]) => {
  const wanted = ids.map((subscription_id) => ({ tenant: job.tenant, subscription_id }));
  const { targets } = await askTargets(tools.service, wanted);
  const removed = new Set(targets.filter(({ status }) => status === "removed").map((each) => each.subscription_id));
  return (id: string) => removed.has(id);
};
