/** Why a webhook was not taken for genuine. */
export type VerificationFault = "missing_header" | "invalid_header" | "too_old" | "too_new" | "no_match";

/** The webhook was not sent by the platform, or not now: answer 400 and do nothing else. */
export class WebhookVerificationError extends Error {
  override readonly name: string = "WebhookVerificationError";
  readonly reason: VerificationFault;

  constructor(reason: VerificationFault, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Headers as any server has them. */
export type WebhookHeaders =
  | Pick<Headers, "get">
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | Iterable<readonly [string, string]>;

export interface VerifyOptions {
  /** Signing secrets, `whsec_…`. While one is being replaced, the old and the new: one of them has to match. */
  readonly secrets: string | readonly string[];
  /** How far the sender's clock and yours may be apart, in seconds, either way. @default 300 */
  readonly toleranceSeconds?: number;
  /** Milliseconds since 1970. @default Date.now() */
  readonly now?: number;
}

const DEFAULT_TOLERANCE_SECONDS = 300;

function headerOf(headers: WebhookHeaders, name: string): string {
  let value: string | readonly string[] | null | undefined;
  if ("get" in headers && typeof headers.get === "function") value = headers.get(name);
  else {
    const entries: Iterable<readonly [string, string | readonly string[] | undefined]> =
      Symbol.iterator in headers ? (headers as Iterable<readonly [string, string]>) : Object.entries(headers);
    for (const [key, one] of entries) if (key.toLowerCase() === name) value = one;
  }
  const text = typeof value === "string" ? value : value?.join(" ");
  if (text === undefined || text === "")
    throw new WebhookVerificationError("missing_header", `The request has no header ${name}.`);
  return text;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** Bytes of an entry of the signature's header; undefined when it is not base64. */
function signatureBytes(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return bytesOf(base64);
  } catch {
    return undefined;
  }
}

/**
 * Checks that a webhook comes from the platform, by the Standard Webhooks specification, symmetric scheme `v1`: HMAC-SHA-256
 * (RFC 2104) over `<id>.<timestamp>.<body>`, by WebCrypto, which compares in constant time.
 * @param body the bytes as they arrived, or their text; never JSON that was parsed and written again
 * @returns the body's text
 * @throws WebhookVerificationError with its `reason`
 */
export async function verify(
  body: string | Uint8Array | ArrayBuffer,
  headers: WebhookHeaders,
  options: VerifyOptions,
): Promise<string> {
  const id = headerOf(headers, "webhook-id");
  const timestamp = headerOf(headers, "webhook-timestamp");
  const signatures = headerOf(headers, "webhook-signature");
  const seconds = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) : Number.NaN;
  if (Number.isNaN(seconds))
    throw new WebhookVerificationError("invalid_header", "webhook-timestamp is not a time in seconds.");
  const tolerance = options.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS;
  const age = (options.now ?? Date.now()) / 1_000 - seconds;
  if (age > tolerance) throw new WebhookVerificationError("too_old", `It was signed ${Math.round(age)} s ago.`);
  if (age < -tolerance)
    throw new WebhookVerificationError("too_new", `It was signed ${Math.round(-age)} s in the future.`);

  const encoder = new TextEncoder();
  const raw = typeof body === "string" ? encoder.encode(body) : new Uint8Array(body);
  const head = encoder.encode(`${id}.${timestamp}.`);
  const signed = new Uint8Array(head.length + raw.length);
  signed.set(head);
  signed.set(raw, head.length);
  const given = signatures
    .split(" ")
    .filter((one) => one.startsWith("v1,"))
    .map((one) => signatureBytes(one.slice(3)))
    .filter((one) => one !== undefined);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  for (const secret of [options.secrets].flat()) {
    const bytes = bytesOf(secret.replace(/^whsec_/, ""));
    // A secret that was never set is one that everybody knows: it matches nothing.
    if (bytes.length === 0) continue;
    const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["verify"]);
    for (const signature of given)
      if (await crypto.subtle.verify(algorithm, key, signature, signed)) return new TextDecoder().decode(raw);
  }
  throw new WebhookVerificationError("no_match", "No signature matches a secret: the body or the secret is another.");
}
