import { createHash, createHmac } from "node:crypto";
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { SignatureV4 } from "@smithy/signature-v4";

/**
 * The five AWS calls of ingest, signed by the SDK's own signer and sent over kept-alive connections. The SDK's clients
 * for them weigh more than the whole function may, and each call through one costs more CPU than accepting the request;
 * docs/decisions/ingest-aws-calls.md has the figures.
 */
export interface Aws {
  /** Resolves once the message is durable. */
  sendMessage(queueUrl: string, body: string, groupId: string): Promise<void>;
  /** Resolves when the queue answers. */
  seeQueue(queueUrl: string): Promise<void>;
  putObject(bucket: string, key: string, bytes: Buffer): Promise<void>;
  /** The function's answer, parsed. */
  invoke(functionName: string, payload: unknown): Promise<unknown>;
  getSecret(name: string): Promise<string>;
}

/** A call that failed. `sent` says whether the service may have carried it out all the same. */
export class AwsError extends Error {
  readonly sent: boolean;
  constructor(message: string, sent: boolean, options?: ErrorOptions) {
    super(message, options);
    this.name = "AwsError";
    this.sent = sent;
  }
}

export interface AwsSettings {
  readonly region: string;
  /** One address for all services instead of AWS's own: the local platform. */
  readonly endpoint?: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** How long one attempt may take. */
  readonly timeoutMs: number;
}

const ATTEMPTS = 3;
const BACKOFF_MS = 25;
const RETRYABLE = new Set([429, 500, 502, 503, 504]);

/** Node's own SHA-256 in the shape the signer wants. */
export class Sha256 {
  private readonly hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret as Buffer);
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(data as string | Buffer);
  }
  async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }
  reset(): void {
    throw new Error("a digest is made once");
  }
}

/** `service` signs, `host` is AWS's own name for it. */
interface Call {
  readonly service: string;
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
}

export function connectAws(settings: AwsSettings): Aws {
  const { region, timeoutMs } = settings;
  const signers = new Map<string, SignatureV4>();
  const endpoint = settings.endpoint === undefined ? undefined : new URL(settings.endpoint);
  const plain = endpoint?.protocol === "http:";
  const agent = plain ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({ keepAlive: true });
  const send = plain ? httpRequest : httpsRequest;

  const signer = (service: string): SignatureV4 => {
    let made = signers.get(service);
    if (made === undefined) {
      const { accessKeyId, secretAccessKey, sessionToken } = settings;
      const credentials = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
      made = new SignatureV4({ service, region, credentials, sha256: Sha256, uriEscapePath: service !== "s3" });
      signers.set(service, made);
    }
    return made;
  };

  async function attempt(call: Call): Promise<Answer> {
    const target = endpoint ?? new URL(`https://${call.host}`);
    const { headers } = await signer(call.service).sign({
      method: call.method,
      protocol: target.protocol,
      hostname: target.hostname,
      path: call.path,
      headers: { host: target.host, "content-length": String(Buffer.byteLength(call.body)), ...call.headers },
      body: call.body,
    });
    return new Promise((resolve, reject) => {
      let written = false;
      const fail = (cause: Error) => reject(new AwsError(`${call.service} did not answer`, written, { cause }));
      const outgoing = send(
        {
          agent,
          method: call.method,
          hostname: target.hostname,
          port: target.port,
          path: call.path,
          headers,
          timeout: timeoutMs,
        },
        (incoming) => {
          const parts: Buffer[] = [];
          incoming.on("data", (part: Buffer) => parts.push(part));
          incoming.on("error", fail);
          incoming.on("end", () =>
            resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(parts), headers: incoming.headers }),
          );
        },
      );
      const deadline = setTimeout(() => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      outgoing.on("error", fail);
      outgoing.on("close", () => clearTimeout(deadline));
      outgoing.on("socket", (socket) => {
        const begun = () => {
          written = true;
        };
        if (socket.connecting) socket.once("connect", begun);
        else begun();
      });
      outgoing.end(call.body);
    });
  }

  /** Repeats what can be repeated: each of our calls is harmless when carried out twice. */
  async function perform(call: Call): Promise<Answer> {
    let failure: AwsError | undefined;
    for (let tries = 1; tries <= ATTEMPTS; tries += 1) {
      if (tries > 1) await new Promise((resolve) => setTimeout(resolve, Math.random() * BACKOFF_MS * 2 ** tries));
      let sent = failure?.sent ?? false;
      try {
        const answer = await attempt(call);
        if (answer.status < 300) return answer;
        sent ||= answer.status >= 500;
        failure = new AwsError(
          `${call.service} answered ${answer.status}: ${answer.body.toString("utf8", 0, 300)}`,
          sent,
        );
        if (!RETRYABLE.has(answer.status)) break;
      } catch (thrown) {
        if (!(thrown instanceof AwsError)) throw thrown;
        failure = new AwsError(thrown.message, sent || thrown.sent, { cause: thrown.cause });
      }
    }
    throw failure;
  }

  const host = (service: string) => `${service}.${region}.amazonaws.com`;
  const json = (service: string, version: string, target: string, payload: object) =>
    perform({
      service,
      host: host(service),
      method: "POST",
      path: "/",
      headers: { "content-type": `application/x-amz-json-${version}`, "x-amz-target": target },
      body: JSON.stringify(payload),
    });

  return {
    async sendMessage(queueUrl, body, groupId) {
      const payload = { QueueUrl: queueUrl, MessageBody: body, MessageGroupId: groupId };
      await json("sqs", "1.0", "AmazonSQS.SendMessage", payload);
    },
    async seeQueue(queueUrl) {
      const payload = { QueueUrl: queueUrl, AttributeNames: ["ApproximateNumberOfMessages"] };
      await json("sqs", "1.0", "AmazonSQS.GetQueueAttributes", payload);
    },
    async putObject(bucket, key, bytes) {
      const path = endpoint === undefined ? `/${key}` : `/${bucket}/${key}`;
      const headers = { "content-type": "application/octet-stream", "x-amz-content-sha256": sha256Hex(bytes) };
      await perform({ service: "s3", host: `${bucket}.${host("s3")}`, method: "PUT", path, headers, body: bytes });
    },
    async invoke(functionName, payload) {
      const { body, headers } = await perform({
        service: "lambda",
        host: host("lambda"),
        method: "POST",
        path: `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(payload),
      });
      if (headers["x-amz-function-error"] !== undefined) throw new AwsError(`${functionName} failed`, true);
      return JSON.parse(body.toString("utf8"));
    },
    async getSecret(name) {
      const { body } = await json("secretsmanager", "1.1", "secretsmanager.GetSecretValue", { SecretId: name });
      return (JSON.parse(body.toString("utf8")) as { SecretString: string }).SecretString;
    },
  };
}

const sha256Hex = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
