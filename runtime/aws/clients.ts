import { createHash, randomUUID } from "node:crypto";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { FirehoseClient } from "@aws-sdk/client-firehose";
import type { SQSClient } from "@aws-sdk/client-sqs";
import type { Item } from "../domain/codec/fields.ts";
import type { Millis } from "../domain/time.ts";
import { type Answer, AwsError, type Call, type SignedCalls } from "./signed.ts";

/**
 * The part of the SDK's clients that is used: sending commands. Two kinds of client fit: the SDK's own, and those made here, which send
 * the same commands by signed calls (docs/decisions/aws-calls.md). Errors of both have the names that the service gives them.
 */
export type Dynamodb = Pick<DynamoDBClient, "send">;
export type Sqs = Pick<SQSClient, "send">;
export type Firehose = Pick<FirehoseClient, "send">;

/** @returns what the function answered @throws Error when it can't be reached, failed, or took longer than `timeoutMs` */
export type Invoke = (functionName: string, payload: string, timeoutMs: Millis) => Promise<Buffer>;

export interface Clients {
  readonly dynamodb: Dynamodb;
  readonly sqs: Sqs;
  readonly firehose: Firehose;
  readonly invoke: Invoke;
  /** Starts a function and waits for no answer. @param payload JSON of 1 MB at most */
  invokeLater(functionName: string, payload: string): Promise<void>;
  /** @returns undefined where there is no such object */
  getObject(bucket: string, key: string): Promise<Buffer | undefined>;
  /** @param type `application/octet-stream` where it is left out */
  putObject(bucket: string, key: string, bytes: Buffer, type?: string): Promise<void>;
  /** Also where there is no such object. */
  deleteObject(bucket: string, key: string): Promise<void>;
  /** @returns undefined where the secret has no value */
  getSecret(name: string): Promise<string | undefined>;
}

/** A command of the SDK: its input, and the schema that names its operation. */
interface Command {
  readonly input: object;
  readonly schema?: unknown;
}

/** Operations are schemas of the form [9, namespace, name, …]. */
function operationOf({ schema }: Command): string {
  const name = Array.isArray(schema) ? (schema as unknown[])[2] : undefined;
  if (typeof name !== "string") throw new Error("not a command whose schema names its operation");
  return name;
}

export function clientsOver(calls: SignedCalls): Clients {
  const sender = (service: string, version: "1.0" | "1.1", target: string, read = (answer: unknown) => answer) => ({
    send: async (command: Command) =>
      read(await calls.json(service, version, `${target}.${operationOf(command)}`, jsonOf(command.input))),
  });
  return {
    dynamodb: sender("dynamodb", "1.0", "DynamoDB_20120810", readItems) as unknown as Dynamodb,
    sqs: sender("sqs", "1.0", "AmazonSQS") as unknown as Sqs,
    firehose: sender("firehose", "1.1", "Firehose_20150804") as unknown as Firehose,

    async invoke(functionName, payload, timeoutMs) {
      const answer = await calls.perform(invocationOf(functionName, payload), timeoutMs);
      if (hasFailed(answer))
        throw new AwsError(`${functionName} failed: ${answer.body.toString("utf8", 0, 500)}`, true);
      return answer.body;
    },

    async invokeLater(functionName, payload) {
      const { headers, ...call } = invocationOf(functionName, payload);
      await calls.perform({ ...call, headers: { ...headers, "x-amz-invocation-type": "Event" } });
    },

    async getObject(bucket, key) {
      const headers = { "x-amz-content-sha256": NOTHING_SHA256 };
      const call = { service: "s3", bucket, method: "GET", path: calls.objectPath(bucket, key), headers, body: "" };
      try {
        return (await calls.perform(call)).body;
      } catch (error) {
        if (error instanceof AwsError && error.status === 404) return undefined;
        throw error;
      }
    },

    async putObject(bucket, key, bytes, type = "application/octet-stream") {
      const headers = {
        "content-type": type,
        "x-amz-content-sha256": createHash("sha256").update(bytes).digest("hex"),
      };
      const call = { service: "s3", bucket, method: "PUT", path: calls.objectPath(bucket, key), headers, body: bytes };
      await calls.perform(call);
    },

    async deleteObject(bucket, key) {
      const headers = { "x-amz-content-sha256": NOTHING_SHA256 };
      const path = calls.objectPath(bucket, key);
      await calls.perform({ service: "s3", bucket, method: "DELETE", path, headers, body: "" });
    },

    async getSecret(name) {
      try {
        const input = JSON.stringify({ SecretId: name });
        const answer = await calls.json("secretsmanager", "1.1", "secretsmanager.GetSecretValue", input);
        return (answer as { SecretString?: string }).SecretString;
      } catch (error) {
        if ((error as Error).name === "ResourceNotFoundException") return undefined;
        throw error;
      }
    },
  };
}

const NOTHING_SHA256 = createHash("sha256").digest("hex");

/** Asks a function and waits for its answer. */
export const invocationOf = (functionName: string, payload: string): Call => ({
  service: "lambda",
  method: "POST",
  path: `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`,
  headers: { "content-type": "application/json" },
  body: payload,
});
/** Whether the function threw: Lambda answers 200 all the same. */
export const hasFailed = ({ headers }: Answer): boolean => headers["x-amz-function-error"] !== undefined;

/** Stands for a blob until the text is made. It is random, so texts of callers can't contain it. */
const BLOB = randomUUID();

/**
 * An input as JSON. Blobs travel as base64, and are put in once the rest is text: looking through them for characters to
 * escape, of which base64 has none, would take ten times as long as making them.
 */
function jsonOf(input: object): string {
  const blobs: string[] = [];
  const [head, ...parts] = JSON.stringify(plain(input, blobs)).split(BLOB);
  return head! + parts.map((part, i) => blobs[i]! + part).join("");
}

function plain(value: unknown, blobs: string[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) {
    blobs.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64"));
    return BLOB;
  }
  if (Array.isArray(value)) return value.map((each) => plain(each, blobs));
  const copy: Record<string, unknown> = {};
  for (const key in value) copy[key] = plain((value as Record<string, unknown>)[key], blobs);
  return copy;
}

interface ItemsAnswer {
  readonly Item?: Item;
  readonly Attributes?: Item;
  readonly Items?: readonly Item[];
  readonly Responses?: Readonly<Record<string, readonly Item[]>>;
}

/** Gives the items of an answer their blobs back. What is unprocessed stays as it is: it is sent again. */
function readItems(answer: unknown): unknown {
  const { Item, Attributes, Items = [], Responses = {} } = answer as ItemsAnswer;
  for (const item of [Item, Attributes, ...Items, ...Object.values(Responses).flat()])
    for (const value of Object.values(item ?? {})) readValue(value);
  return answer;
}

interface Value {
  B?: unknown;
  BS?: unknown[];
  readonly L?: readonly Value[];
  readonly M?: Readonly<Record<string, Value>>;
}

function readValue(value: Value): void {
  if (value.B !== undefined) value.B = Buffer.from(value.B as string, "base64");
  else if (value.BS !== undefined) value.BS = value.BS.map((each) => Buffer.from(each as string, "base64"));
  else if (value.L !== undefined) for (const each of value.L) readValue(each);
  else if (value.M !== undefined) for (const each of Object.values(value.M)) readValue(each);
}
