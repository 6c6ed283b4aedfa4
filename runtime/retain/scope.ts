import { DeleteObjectCommand, GetObjectCommand } from "@aws-sdk/client-s3";
import type { Job, PrivacyScope } from "../domain/job.ts";
import { isSubject, scopeKey } from "../domain/job.ts";
import { isNumeric, parseJson } from "../domain/jsonNumber.ts";
import { parsePath } from "../matching/index.ts";
import { JobError, type Tools } from "./work.ts";

/**
 * Whose data a privacy request is about. What names a person stays out of the database and of the queue, whose old pages
 * can't be rewritten: it lies in one object of the export bucket, which goes when the request is done.
 */

/** @throws JobError when it is gone: the request was done before */
export async function readScope(job: Job, tools: Tools): Promise<PrivacyScope> {
  try {
    const { Body } = await tools.store.s3.send(
      new GetObjectCommand({ Bucket: tools.env.EXPORT_BUCKET, Key: scopeKey(job.job_id) }),
    );
    return parseJson(Buffer.from(await Body!.transformToByteArray()).toString("utf8")) as PrivacyScope;
  } catch (error) {
    if ((error as Error).name === "NoSuchKey") throw new JobError("The request's subject is no longer known.");
    throw error;
  }
}

export async function forgetScope(job: Job, tools: Tools): Promise<void> {
  await tools.store.s3.send(new DeleteObjectCommand({ Bucket: tools.env.EXPORT_BUCKET, Key: scopeKey(job.job_id) }));
}

/** Whether an event's payload is within the scope; everything is within `all`. */
export function withinScope(scope: PrivacyScope): (payload: string) => boolean {
  if ("all" in scope) return () => true;
  const { jsonpath, equals } = scope.subject;
  const path = parsePath(jsonpath);
  // Only a text with the value's own characters can hold it; escapes aside, that saves parsing almost everything.
  const literal = JSON.stringify(equals).replace(/^"|"$/g, "");
  return (payload) =>
    (payload.includes(literal) || payload.includes("\\") || isNumeric(equals)) &&
    path.values(parseJson(payload)).some((value) => isSubject(value, equals));
}
