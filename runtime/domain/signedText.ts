import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * Values that go out and come back: `<base64url of JSON>.<HMAC>`. The signature covers what a value is for, so one that was made for
 * something else is refused like a forged one. It holds no time: such texts survive deployments, and die only with the key.
 */
const MAC_BYTES = 16;

const macOf = (key: string, purpose: string, body: string): Buffer =>
  createHmac("sha256", key).update(`${purpose}\n${body}`).digest().subarray(0, MAC_BYTES);

/** @param purpose who and what it is for */
export function signText(key: string, purpose: string, value: unknown): string {
  const body = Buffer.from(JSON.stringify(value), "utf8").toString("base64url");
  return `${body}.${macOf(key, purpose, body).toString("base64url")}`;
}

/** @returns undefined unless `signText` made it with the same key for the same purpose */
export function readSigned<T>(key: string, purpose: string, text: string): T | undefined {
  const [body, signature, ...rest] = text.split(".");
  if (body === undefined || signature === undefined || rest.length > 0) return undefined;
  const expected = macOf(key, purpose, body);
  const actual = Buffer.from(signature, "base64url");
  if (actual.length !== expected.length || !timingSafeEqual(actual, expected)) return undefined;
  return JSON.parse(Buffer.from(body, "base64url").toString("utf8")) as T;
}
