import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { findJob, insertJob, listJobs, subjectKey } from "../../database/jobs.ts";
import { nextVersion } from "../../database/versions.ts";
import { defined } from "../../domain/defined.ts";
import { invalidBody, noSuch } from "../../domain/errors/errors.ts";
import { newId } from "../../domain/ids.ts";
import {
  type Job,
  jobStatuses,
  type PrivacyScope,
  scopeKey,
  subjectHash,
  subjectType,
  tenantsErased,
} from "../../domain/job.ts";
import { numericOf } from "../../domain/jsonNumber.ts";
import { rfc3339 } from "../../domain/time.ts";
import { membersUnder, parsePath } from "../../matching/index.ts";
import { asCaller } from "../asCaller.ts";
import { change } from "../audited.ts";
import { startJob } from "../backfill.ts";
import { listQuery, openList, pageOf, same } from "../cursor.ts";
import type { Api, ApiEnv, Deps } from "../deps.ts";
import { route } from "../route.ts";
import { Timestamp, ulidParam } from "../schemas.ts";

const TAG = "Privacy";
const LINK_SECONDS = 3_600;

/** Any JSON number: one that no double holds, such as 1e400, is read as it was written. */
const AnyNumber = z
  .custom<number>()
  .check((given) => {
    if (typeof given.value !== "number")
      given.issues.push({ code: "invalid_type", expected: "number", input: given.value });
  })
  .openapi({ type: "number" });
const Subject = z.strictObject({
  jsonpath: z.string().min(1).max(1_000).openapi({ example: "$.user.email" }),
  equals: z.union([z.string().min(1).max(1_000), AnyNumber, z.boolean()]),
});
const ScopeBody = z
  .strictObject({
    subject: Subject.optional().openapi({ description: "Events whose payload holds this value at this path." }),
    all: z.literal(true).optional(),
    confirm: z
      .string()
      .max(100)
      .optional()
      .openapi({ description: "The customer's id; needed to erase all, or by a path such as `$..*`." }),
  })
  .superRefine((body, refine) => {
    if ((body.subject === undefined) === (body.all === undefined)) {
      refine.addIssue({ code: "custom", path: ["subject"], message: "give either `subject` or `all`" });
    }
  });
type ScopeInput = z.output<typeof ScopeBody>;

const RequestSchema = z
  .object({
    request_id: z.string(),
    kind: z.enum(["export", "erasure"]),
    status: z.enum(jobStatuses),
    scope: z.record(z.string(), z.unknown()).openapi({
      description: "The request. A value is shown only as its HMAC, under a key that is deleted when all is erased.",
    }),
    progress: z.record(z.string(), z.number()).openapi({ description: "Counts, so far." }),
    download_url: z
      .string()
      .optional()
      .openapi({ description: "Needs no key; null once the export is gone." })
      .nullable(),
    expires_at: Timestamp.optional().openapi({ description: "Of the link; a new one is given at each read." }),
    sha256: z.string().optional().openapi({ description: "Of events.jsonl." }),
    certificate: z.record(z.string(), z.unknown()).optional(),
    error: z.string().optional(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi("PrivacyRequest");

const RequestId = z.object({ id: ulidParam("prv") });

/** A path to every member at any depth finds the value wherever it stands, in events that are not about the person too. */
const EVERYWHERE = /\.\.\s*(?:\*|\[\s*\*\s*\])/;

/**
 * @param confirmed whether the customer's id is asked for: to erase all, or by a path that leads everywhere
 * @throws TriggersError `invalid_request`
 */
function scopeOf(body: ScopeInput, raw: Uint8Array, customerId: string, confirmed: boolean): PrivacyScope {
  if (body.subject === undefined) {
    if ((confirmed || body.confirm !== undefined) && body.confirm !== customerId) {
      throw invalidBody({ path: "/confirm", message: "must be the customer's id" });
    }
    return { all: true };
  }
  if (EVERYWHERE.test(body.subject.jsonpath) && confirmed && body.confirm !== customerId) {
    throw invalidBody({ path: "/confirm", message: "a path that leads everywhere needs the customer's id" });
  }
  try {
    parsePath(body.subject.jsonpath);
  } catch (error) {
    throw invalidBody({ path: "/subject/jsonpath", message: (error as Error).message || "is not a JSONPath" });
  }
  // As it was written: parsed as a double, a long number would be another person's.
  const written = membersUnder(new TextDecoder().decode(raw), "subject").find(([name]) => name === "equals")![1];
  const { jsonpath, equals } = body.subject;
  return { subject: { jsonpath, equals: typeof equals === "number" ? numericOf(written) : equals } };
}

/** The scope as database and audit log may know it: a person's value as its HMAC. @param key the customer's */
const shownScope = (scope: PrivacyScope, key: string): Record<string, unknown> =>
  "all" in scope
    ? { all: true }
    : {
        subject: {
          jsonpath: scope.subject.jsonpath,
          equals_hmac: subjectHash(scope.subject.equals, key),
          equals_type: subjectType(scope.subject.equals),
        },
      };

export function register(app: Api, deps: Deps): void {
  /** A link to the export that needs no key, as long as it is there. */
  async function download(job: Job): Promise<Record<string, unknown>> {
    const object = job.result?.object;
    if (typeof object !== "string") return {};
    const target = { Bucket: deps.env.EXPORT_BUCKET, Key: object };
    try {
      await deps.s3.send(new HeadObjectCommand(target));
    } catch (error) {
      if (!["NotFound", "NoSuchKey"].includes((error as Error).name)) throw error;
      return { download_url: null };
    }
    const url = await getSignedUrl(deps.s3, new GetObjectCommand(target), { expiresIn: LINK_SECONDS });
    return { download_url: url, expires_at: rfc3339(deps.now() + LINK_SECONDS * 1_000), sha256: job.result?.sha256 };
  }

  const viewOf = async (job: Job) => ({
    request_id: job.job_id,
    kind: job.kind,
    status: job.status,
    scope: job.request,
    progress: job.progress,
    ...(await download(job)),
    ...defined({ certificate: job.result?.certificate }),
    ...(typeof job.result?.error === "string" ? { error: job.result.error } : {}),
    created_at: job.created_at,
    updated_at: job.updated_at,
  });

  async function begin(c: Context<ApiEnv>, kind: "export" | "erasure", scope: PrivacyScope): Promise<Job> {
    const identity = c.get("identity");
    const tenant = c.get("tenant");
    const now = deps.now();
    const vault = await deps.vault();
    const job_id = newId("prv", now);
    await deps.s3.send(
      new PutObjectCommand({ Bucket: deps.env.EXPORT_BUCKET, Key: scopeKey(job_id), Body: JSON.stringify(scope) }),
    );
    return change(deps, c, identity.customer_id, async (tx, tell) => {
      const key = "all" in scope ? "" : await subjectKey(tx, identity.customer_id, vault);
      const request = shownScope(scope, key);
      if (kind === "erasure") {
        // Stages that route or deliver earlier events learn of it like of a change of subscriptions.
        for (const each of tenantsErased(tenant)) {
          await nextVersion(tx, each, identity.customer_id, "subscriptions");
        }
      }
      const job = await insertJob(
        tx,
        { job_id, kind, tenant, customer_id: identity.customer_id, request, progress: {}, created_by: identity.key_id },
        now,
      );
      tell(job_id, { scope: request });
      await startJob(deps, tenant, job_id);
      return job;
    });
  }

  for (const [kind, path] of [
    ["export", "/privacy/exports"],
    ["erasure", "/privacy/erasures"],
  ] as const) {
    route(
      app,
      {
        method: "post",
        path,
        idempotent: true,
        tag: TAG,
        summary: kind === "export" ? "Export a data subject's events, or all" : "Erase a data subject's events, or all",
        description:
          kind === "export"
            ? "Of this key's environment, deleted events left out: a `.tar.gz` of `events.jsonl` and `manifest.json`, which counts damaged batches and lines that are left out."
            : "From every store, exports included; asked by a live key, in the sandbox too. A certificate is chained into the audit log. It can't be undone.",
        scope: "privacy",
        action: kind === "export" ? "privacy.export" : "privacy.erase",
        body: ScopeBody,
        responses: { 202: { description: "Read it at `GET /privacy/requests/{id}`.", schema: RequestSchema } },
      },
      async (c, { body, raw }) => {
        const scope = scopeOf(body, raw, c.get("identity").customer_id, kind === "erasure");
        return c.json((await viewOf(await begin(c, kind, scope))) as never, 202);
      },
    );
  }

  route(
    app,
    {
      method: "get",
      path: "/privacy/requests",
      tag: TAG,
      summary: "List privacy requests",
      description: "The newest first.",
      scope: "privacy",
      query: z.strictObject(listQuery),
      responses: pageOf("requests", RequestSchema),
    },
    async (c, { query }) => {
      const tenant = c.get("tenant");
      const list = await openList<string>(deps, `${tenant}:privacy`, query);
      const rows = await asCaller(deps, c, (tx) =>
        listJobs(tx, tenant, ["export", "erasure"], list.after, list.toRead),
      );
      const views = await Promise.all(rows.map(viewOf));
      const { items, next_cursor } = await list.page(views, same, (view) => view.request_id);
      return c.json({ requests: items, next_cursor } as never);
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/privacy/requests/{id}",
      tag: TAG,
      summary: "Read a privacy request",
      description: "With its counts, and, when it is done, the download link or the certificate.",
      scope: "privacy",
      params: RequestId,
      responses: { 200: { description: "The request.", schema: RequestSchema } },
    },
    async (c, { params }) => {
      const job = await asCaller(deps, c, (tx) => findJob(tx, params.id, c.get("tenant")));
      if (job === undefined || job.kind === "replay") {
        throw noSuch("privacy request", params.id);
      }
      return c.json((await viewOf(job)) as never);
    },
  );
}
