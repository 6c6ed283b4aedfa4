import { createHash, createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { SignatureV4 } from "@smithy/signature-v4";
import { defined } from "../domain/defined.ts";
import type { Millis } from "../domain/time.ts";
import { type Carrier, carrierHere } from "./carrier.ts";

/**
 * AWS calls signed by the SDK's own signer and sent over kept-alive connections, for the functions on an event's way. The
 * SDK's clients cost each call two to three times as much CPU, and weigh more than ingest may; docs/decisions/aws-calls.md
 * has the figures.
 */

/** A call that failed. `sent` says whether the service may have carried it out all the same. */
export class AwsError extends Error {
  readonly sent: boolean;
  /** Status of the answer; undefined when there was none. */
  readonly status: number | undefined;
  /** @param options.name the service's own name for it, as in the SDK's errors */
  constructor(message: string, sent: boolean, options: ErrorOptions & { name?: string; status?: number } = {}) {
    super(message, options);
    this.name = options.name ?? "AwsError";
    this.sent = sent;
    this.status = options.status;
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
  readonly timeoutMs: Millis;
  /** Takes the calls instead of the network. */
  readonly carrier?: Carrier;
}

/** What every Lambda function finds in its environment. @param timeoutMs how long one attempt may take */
export function settingsHere(timeoutMs: Millis): AwsSettings {
  const { AWS_REGION, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  return {
    region: AWS_REGION ?? "us-east-1",
    accessKeyId: AWS_ACCESS_KEY_ID ?? "",
    secretAccessKey: AWS_SECRET_ACCESS_KEY ?? "",
    ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}),
    ...(AWS_ENDPOINT_URL ? { endpoint: AWS_ENDPOINT_URL } : {}),
    timeoutMs,
    ...defined({ carrier: carrierHere() }),
  };
}

const ATTEMPTS = 3;
const BACKOFF_MS = 25;
const RETRYABLE = new Set([429, 500, 502, 503, 504]);
/** Refusals for being too fast that come as 400. Source: the SDK's own list of throttling errors. */
const THROTTLED =
  /Throttl|ProvisionedThroughputExceeded|RequestLimitExceeded|TooManyRequests|BandwidthLimitExceeded|SlowDown/;

/** Signing keys, which the signer keeps for a day, as key objects: Node.js 24 takes five times as long for an HMAC with bytes. */
const keyObjects = new WeakMap<Uint8Array, KeyObject>();

function keyObjectOf(secret: Uint8Array): KeyObject {
  let made = keyObjects.get(secret);
  if (made === undefined) {
    made = createSecretKey(secret);
    keyObjects.set(secret, made);
  }
  return made;
}

/** Node's own SHA-256 in the shape that the signer takes. */
export class Sha256 {
  private readonly hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    if (secret === undefined) this.hash = createHash("sha256");
    else this.hash = createHmac("sha256", secret instanceof Uint8Array ? keyObjectOf(secret) : (secret as string));
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

/** `service` signs and names the host; `bucket` is the part of the host before it. */
export interface Call {
  readonly service: string;
  readonly bucket?: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
}

export interface SignedCalls {
  /**
   * Makes a call, up to three times where that may help.
   * @param timeoutMs how long all attempts together may take; each its own time when left out
   * @throws AwsError
   */
  perform(call: Call, timeoutMs?: Millis): Promise<Answer>;
  /**
   * A call of a service with an AWS JSON protocol.
   * @param input as JSON
   * @returns its answer, parsed
   * @throws AwsError named as the service names it
   */
  json(service: string, version: "1.0" | "1.1", target: string, input: string): Promise<unknown>;
  /** Where objects of a bucket are: in the path, or the bucket in the host's name. */
  objectPath(bucket: string, key: string): string;
}

export function signedCalls(settings: AwsSettings): SignedCalls {
  const { region } = settings;
  const signers = new Map<string, SignatureV4>();
  const endpoint = settings.endpoint === undefined ? undefined : new URL(settings.endpoint);
  const plain = endpoint?.protocol === "http:";
  const agent = plain ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({ keepAlive: true });
  const send = plain ? httpRequest : httpsRequest;

  const signer = (service: string): SignatureV4 => {
    let made = signers.get(service);
    if (made === undefined) {
      const { accessKeyId, secretAccessKey, sessionToken } = settings;
      const credentials = { accessKeyId, secretAccessKey, ...defined({ sessionToken }) };
      made = new SignatureV4({ service, region, credentials, sha256: Sha256, uriEscapePath: service !== "s3" });
      signers.set(service, made);
    }
    return made;
  };

  async function attempt(call: Call, timeoutMs: Millis): Promise<Answer> {
    const bucket = call.bucket === undefined ? "" : `${call.bucket}.`;
    const target = endpoint ?? new URL(`https://${bucket}${call.service}.${region}.amazonaws.com`);
    const { headers } = await signer(call.service).sign({
      method: call.method,
      protocol: target.protocol,
      hostname: target.hostname,
      path: call.path,
      headers: { host: target.host, "content-length": String(Buffer.byteLength(call.body)), ...call.headers },
      body: call.body,
    });
    if (settings.carrier !== undefined) return carried(settings.carrier, call, headers, timeoutMs);
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

  /** Repeats what can be repeated: each of our calls is harmless when carried out twice, or as harmless as by the SDK. */
  async function perform(call: Call, timeoutMs?: Millis): Promise<Answer> {
    const end = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
    let failure: AwsError | undefined;
    for (let tries = 1; tries <= ATTEMPTS; tries += 1) {
      if (tries > 1) await new Promise((resolve) => setTimeout(resolve, Math.random() * BACKOFF_MS * 2 ** tries));
      const left = end - performance.now();
      if (failure !== undefined && left <= 0) break;
      let sent = failure?.sent ?? false;
      try {
        const answer = await attempt(call, Math.min(settings.timeoutMs, left));
        if (answer.status < 300) return answer;
        sent ||= answer.status >= 500;
        failure = failureOf(call.service, answer, sent);
        if (!RETRYABLE.has(answer.status) && !THROTTLED.test(failure.name)) break;
      } catch (thrown) {
        if (!(thrown instanceof AwsError)) throw thrown;
        failure = new AwsError(thrown.message, sent || thrown.sent, { cause: thrown.cause });
      }
    }
    throw failure;
  }

  /** The same by a carrier: what it has taken counts as sent. */
  function carried(
    carrier: Carrier,
    { service, method, path, body: sent }: Call,
    headers: Readonly<Record<string, string>>,
    timeoutMs: Millis,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const fail = (cause: Error) => reject(new AwsError(`${service} did not answer`, true, { cause }));
      const deadline = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      carrier({ method, path, headers, body: sent })
        .then(({ body, ...answer }) => {
          resolve({ ...answer, body: typeof body === "string" ? Buffer.from(body) : body });
        }, fail)
        .finally(() => clearTimeout(deadline));
    });
  }

  return {
    perform,
    async json(service, version, target, input) {
      const { body } = await perform({
        service,
        method: "POST",
        path: "/",
        headers: { "content-type": `application/x-amz-json-${version}`, "x-amz-target": target },
        body: input,
      });
      return body.length === 0 ? {} : JSON.parse(body.toString("utf8"));
    },
    objectPath: (bucket, key) => (endpoint === undefined ? `/${key}` : `/${bucket}/${key}`),
  };
}

/** The JSON protocols name an error in its body, sometimes with the service's namespace before it. */
function failureOf(service: string, { status, body }: Answer, sent: boolean): AwsError {
  const text = body.toString("utf8", 0, 2_000);
  const name = /"__type"\s*:\s*"(?:[^"#]*#)?([A-Za-z]+)"/.exec(text)?.[1];
  return new AwsError(`${service} answered ${status}: ${text.slice(0, 300)}`, sent, {
    status,
    ...defined({ name }),
  });
}
