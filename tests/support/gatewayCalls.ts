import { createHash, createHmac } from "node:crypto";
import { request as httpRequest } from "node:http";
import { SignatureV4 } from "@smithy/signature-v4";
import { SignatureV4a } from "@smithy/signature-v4a";
import type { Credentials } from "../../local/credentials.ts";

/** Calls of a local gateway as any program could make them: signed or not, and perhaps changed afterwards. */
export interface Sent {
  method: string;
  path: string;
  /** Without the question mark. */
  query: string;
  headers: Record<string, string>;
  body: string;
}

/** A call before it is signed. */
export type Unsigned = Omit<Sent, "headers"> & { headers?: Record<string, string> };

export interface Answered {
  readonly status: number;
  readonly text: string;
  /** The name of the refusal, where it has one. */
  readonly code: string | undefined;
}

export interface Signing {
  readonly service: string;
  readonly credentials: Credentials;
  /** The gateway's host and port. */
  readonly host: string;
  /** @default now */
  readonly date?: Date | undefined;
  /** Signs for all regions, by SigV4a. */
  readonly all?: boolean | undefined;
}

class Sha256 {
  readonly #hash;
  constructor(secret?: unknown) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret as Buffer);
  }
  update(data: Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {}
}

/** By Node's own client: `fetch` sets headers of its own, and refuses some. @param gateway its URL */
export function sendTo(gateway: string, { method, path, query, headers, body }: Sent): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(gateway);
    const target = query === "" ? path : `${path}?${query}`;
    const outgoing = httpRequest({ hostname, port, method, path: target, headers }, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on("data", (part: Buffer) => parts.push(part));
      incoming.on("end", () => {
        const text = Buffer.concat(parts).toString();
        const code = /<Code>(\w+)<|"__type":"(?:[^"#]*#)?(\w+)"/.exec(text);
        resolve({
          status: incoming.statusCode!,
          text,
          code: code?.[1] ?? code?.[2] ?? (incoming.headers["x-amzn-errortype"] as string | undefined),
        });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** Signs a call as the AWS SDK does. */
export async function sign(
  sent: Unsigned,
  { service, credentials, host, date = new Date(), all = false }: Signing,
): Promise<Sent> {
  const settings = {
    service,
    region: all ? "*" : "us-east-1",
    credentials,
    sha256: Sha256 as never,
    uriEscapePath: service !== "s3",
  };
  const signer = all ? new SignatureV4a(settings) : new SignatureV4(settings);
  const request = await signer.sign(
    {
      method: sent.method,
      protocol: "http:",
      hostname: "127.0.0.1",
      path: sent.path,
      query: Object.fromEntries(new URLSearchParams(sent.query)),
      headers: { host, ...sent.headers },
      body: sent.body,
    },
    { signingDate: date },
  );
  return { ...sent, headers: request.headers };
}
