/**
 * One platform for all end-to-end tests of a process: booted at the first call, on a free port, with its state in a
 * temporary folder that goes when the process ends.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Platform, startPlatform } from "../../local/product/platform.ts";
import { defined, mapDefined } from "../../runtime/domain/defined.ts";

export interface SharedPlatform extends Platform {
  /** What the console showed so far. */
  readonly lines: readonly string[];
  /** Folder of its state, with `logs/`. */
  readonly folder: string;
}

let shared: Promise<SharedPlatform> | undefined;

export function sharedPlatform(): Promise<SharedPlatform> {
  shared ??= boot();
  return shared;
}

async function boot(): Promise<SharedPlatform> {
  const folder = mkdtempSync(join(tmpdir(), "triggers-"));
  process.on("exit", () => {
    if (process.env.KEEP_STATE === undefined) rmSync(folder, { recursive: true, force: true });
    else process.stderr.write(`the state of the shared platform is in ${folder}\n`);
  });
  const lines: string[] = [];
  try {
    const platform = await startPlatform({ state: folder, port: 0, log: (line) => lines.push(line) });
    // For `tests/run.ts`: what every platform of this machine shares is made now.
    process.stdout.write("#booted\n");
    const { CALLS_SEEN } = process.env;
    if (CALLS_SEEN !== undefined) process.on("exit", () => writeFileSync(CALLS_SEEN, callsOf(platform)));
    return { ...platform, lines, folder };
  } catch (cause) {
    // uvu says nothing about a hook that throws.
    process.stderr.write(`${lines.join("\n")}\n${cause instanceof Error ? cause.stack : String(cause)}\n`);
    throw cause;
  }
}

/** Which permissions each role asked for, as `npm run permissions` reads it. */
const callsOf = ({ iam }: Platform): string =>
  JSON.stringify(Object.fromEntries([...iam.asked()].map(([role, calls]) => [role, [...calls].sort()])));

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests compare what comes back, whatever it is
  readonly json: any;
}

export interface CallOptions {
  readonly key?: string;
  /** An object is sent as JSON; text and bytes as they are. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer read to its end; `json` is undefined for a body that is none. */
export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {}
  return { status: response.status, headers: response.headers, text, json };
}

/** One call of the API. @param base public URL */
export async function call(base: string, method: string, path: string, options: CallOptions = {}): Promise<Answer> {
  const { key, body, headers } = options;
  const raw = typeof body === "string" || body instanceof Uint8Array || body === undefined;
  return readAnswer(
    await fetch(`${base}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...defined({ authorization: mapDefined(key, (key) => `Bearer ${key}`) }),
        ...headers,
      },
      ...defined({ body: mapDefined(body, (body) => (raw ? body : JSON.stringify(body)) as string) }),
    }),
  );
}

export interface Customer {
  readonly customer_id: string;
  readonly api_key: string;
  readonly sandbox_key: string;
}

/** A customer of its own, so that a test meets no other's data. @throws Error with the answer when it isn't 201 */
export async function newCustomer(
  platform: Platform,
  options: { readonly name?: string; readonly limit_per_second?: number } = {},
): Promise<Customer> {
  const body = { name: "Test", ...options };
  const answer = await call(platform.url, "POST", "/customers", { key: platform.operatorKey, body });
  if (answer.status !== 201) throw new Error(`POST /customers: ${answer.status} ${answer.text}`);
  return answer.json as Customer;
}

export interface Webhook {
  readonly received_at: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the built-in receiver got at this path, oldest first. */
export async function webhooksAt(platform: Pick<Platform, "sinkUrl">, path: string): Promise<readonly Webhook[]> {
  const response = await fetch(`${platform.sinkUrl}/requests?path=${encodeURIComponent(path)}`);
  return ((await response.json()) as { requests: Webhook[] }).requests;
}
