import type { SQSClient } from "@aws-sdk/client-sqs";
import type { SQSEvent } from "aws-lambda";
import type { Service } from "../../runtime/aws/service.ts";
import type { ForgetRequest, Forgotten } from "../../runtime/domain/idempotency.ts";
import { newId } from "../../runtime/domain/ids.ts";
import { encodeJobsMessage, type Job, type JobKind } from "../../runtime/domain/job.ts";
import type { RoutedSubscription } from "../../runtime/domain/subscription.ts";
import { rfc3339 } from "../../runtime/domain/time.ts";
import { runJobs, type Works } from "../../runtime/retain/run.ts";
import type { Tools } from "../../runtime/retain/work.ts";
import type { Storage } from "./storage.ts";

/** Jobs over a storage in memory: a service that holds the job rows, queues that are lists, a clock that only sleeps move. */
export interface JobBench {
  readonly tools: Tools;
  readonly jobs: Map<string, Job>;
  readonly audit: Record<string, unknown>[];
  /** Messages sent, by queue URL. */
  readonly sent: Map<string, string[]>;
  readonly clock: { now: number };
  subscriptions: readonly RoutedSubscription[];
  retentionDays: number;
  customers: readonly string[];
  /** What the function that reaches Redis answers: at first that there are no entries. */
  forget(request: ForgetRequest): Promise<Forgotten>;
  begin(kind: JobKind, tenant: string, request: Job["request"]): Job;
  /**
   * Runs the job to its end.
   * @param fault called before each call to the service; a throw is a crash, after which the message is received again
   */
  finish(jobId: string, works: Works, fault?: (op: string) => void): Promise<Job>;
}

export function jobBench(storage: Storage): JobBench {
  const jobs = new Map<string, Job>();
  const audit: Record<string, unknown>[] = [];
  const sent = new Map<string, string[]>();
  const clock = { now: Date.now() };
  let fault: (op: string) => void = () => undefined;
  const bench = {
    subscriptions: [] as readonly RoutedSubscription[],
    retentionDays: 90,
    customers: [] as readonly string[],
    forget: async (_: ForgetRequest): Promise<Forgotten> => ({ removed: 0, in_flight: [], next_cursor: null }),
  };

  const answers: Record<string, (request: never) => unknown> = {
    job: ({ job_id }: { job_id: string }) => ({ job: jobs.get(job_id) ?? null }),
    job_save: ({ op: _, job_id, ...change }: { op: string; job_id: string } & Partial<Job>) => {
      const job = jobs.get(job_id);
      if (job === undefined || !["pending", "running"].includes(job.status)) {
        if (job?.status === "cancelled" && change.progress) jobs.set(job_id, { ...job, progress: change.progress });
        return { saved: false, status: job?.status ?? null };
      }
      // As PostgreSQL would keep it: JSON, not the object itself.
      const saved = JSON.parse(JSON.stringify({ ...job, ...change })) as Job;
      jobs.set(job_id, saved);
      return { saved: true, status: saved.status };
    },
    copying: ({ tenants }: { tenants: string[] }) => ({
      jobs: [...jobs.values()].filter(
        ({ kind, tenant, status, cursor }) =>
          tenants.includes(tenant) &&
          (kind === "export" || (kind === "replay" && (cursor as { phase?: string } | null)?.phase !== "table")) &&
          ["pending", "running"].includes(status),
      ),
    }),
    snapshot: () => ({ version: 1, subscriptions: bench.subscriptions, retention_days: 90, next_cursor: null }),
    targets: () => ({ targets: [] }),
    customers: () => ({ customer_ids: bench.customers, next_cursor: null }),
    retention: ({ tenants }: { tenants: string[] }) => ({
      days: Object.fromEntries(tenants.map((tenant) => [tenant, bench.retentionDays])),
    }),
    audit: ({ details, action, object }: Record<string, unknown>) => {
      audit.push({ action, object, details });
      return { seq: audit.length, hash: `hash${audit.length}` };
    },
  };
  const service = (async (request: { op: string }) => {
    fault(request.op);
    return { answer: answers[request.op]!(request as never), bytes: 0 };
  }) as unknown as Service;

  const sqs = {
    send: async ({
      input,
    }: {
      input: { QueueUrl: string; Entries: { MessageBody: string; DelaySeconds?: number }[] };
    }) => {
      const queue = sent.get(input.QueueUrl) ?? [];
      sent.set(input.QueueUrl, queue);
      for (const { MessageBody, DelaySeconds = 0 } of input.Entries) {
        queue.push(MessageBody);
        if (input.QueueUrl === "jobs") clock.now += DelaySeconds * 1_000;
      }
      return {};
    },
  } as unknown as SQSClient;

  const tools: Tools = {
    env: {
      EVENT_SHARDS: "[]",
      EVENTS_TABLE: "events",
      METRICS_TABLE: "metrics",
      RETRY_QUEUE_URL: "retry",
      JOB_QUEUE_URL: "jobs",
      PAYLOAD_BUCKET: "payloads",
      ARCHIVE_BUCKET: "archive",
      EXPORT_BUCKET: "exports",
      AUDIT_BUCKET: "audit",
      ARCHIVE_BUFFER_SECONDS: "60",
      SUBSCRIPTIONS_FUNCTION: "subscriptions",
      FORGET_FUNCTION: "forget",
      CUBE_FUNCTION: "cube",
      CUBE_BUCKET: "cube",
    },
    store: storage.store,
    counters: { dynamodb: storage.store.events.dynamodb, name: "metrics" },
    sqs,
    service,
    forget: (request) => all.forget(request),
    fold: async () => ({ rows: 0 }),
    log: () => undefined,
    now: () => clock.now,
    sleep: async (ms) => {
      clock.now += Math.ceil(ms);
    },
  };

  const all: JobBench = Object.assign(bench, {
    tools,
    jobs,
    audit,
    sent,
    clock,
    begin(kind: JobKind, tenant: string, request: Job["request"]) {
      const job: Job = {
        job_id: newId(kind === "replay" ? "rpl" : "prv", clock.now),
        kind,
        tenant,
        customer_id: tenant.split(".")[0]!,
        status: "pending",
        request,
        cursor: null,
        progress: {},
        result: null,
        created_by: "key_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        created_at: rfc3339(clock.now),
        updated_at: rfc3339(clock.now),
      };
      jobs.set(job.job_id, job);
      return job;
    },
    async finish(jobId: string, works: Works, next: (op: string) => void = () => undefined) {
      fault = next;
      const event = {
        Records: [
          {
            messageId: "1",
            body: encodeJobsMessage({ kind: "job", job_id: jobId }),
            attributes: { ApproximateReceiveCount: "1", SentTimestamp: "0" },
          },
        ],
      } as unknown as SQSEvent;
      for (let run = 0; ; run += 1) {
        if (run > 500) throw new Error("the job never ends");
        await runJobs(event, works, tools);
        const job = jobs.get(jobId)!;
        if (["succeeded", "failed", "cancelled"].includes(job.status)) {
          fault = () => undefined;
          return job;
        }
      }
    },
  });
  return all;
}
