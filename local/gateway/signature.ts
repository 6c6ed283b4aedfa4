/**
 * Signature Version 4, checked as the services check it. Invariant: what a call may do is decided for the role whose secret
 * made its signature, over the method, path, query, body and every header that AWS reads; a name alone opens nothing.
 * Source: IAM User Guide, "Signature Version 4 for API requests"; S3 API Reference, "Authenticating Requests".
 */
import {
  createECDH,
  createHash,
  createHmac,
  createPublicKey,
  createSecretKey,
  hash,
  type KeyObject,
  timingSafeEqual,
  verify,
} from "node:crypto";
import {
  ALGORITHM_IDENTIFIER,
  ALGORITHM_IDENTIFIER_V4A,
  createScope,
  getCanonicalHeaders,
  getSigningKey,
  MAX_PRESIGNED_TTL,
  type SignatureV4,
  SignatureV4Base,
  UNSIGNED_PAYLOAD,
} from "@smithy/signature-v4";
import { byName } from "../byName.ts";
import type { Caller } from "../credentials.ts";
import type { ApiCall } from "../service.ts";
import { type SignatureFault, signatureRefusal } from "./refusals.ts";

type HttpRequest = Parameters<SignatureV4["presign"]>[0];
type QueryParameterBag = NonNullable<HttpRequest["query"]>;

/** How far the time of a call may be off: five minutes, of S3 fifteen. */
const SKEW_MS = 5 * 60_000;
const SKEW_S3_MS = 15 * 60_000;
/** Derived keys that are kept: one a role, day, region and service. */
const KEYS_KEPT = 1_000;

/** What a signature says of itself, before it has been checked. */
export interface Claim {
  readonly algorithm: string;
  readonly accessKeyId: string;
  /** `YYYYMMDD`. */
  readonly day: string;
  /** Empty for a signature that holds in all regions. */
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  /** Hexadecimal. */
  readonly signature: string;
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly date: string;
  /** Seconds for which a link holds; undefined for a call that is signed in its header. */
  readonly expires?: number;
}

const CREDENTIAL = /^([A-Za-z0-9_-]+)\/(\d{8})(?:\/([^/]+))?\/([^/]+)\/aws4_request$/;
const DATE = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** The parameters of a query, decoded; one that repeats has a list. @param query without the question mark */
function parametersOf(query: string): QueryParameterBag {
  const parameters = byName<string | string[]>();
  for (const [name, value] of new URLSearchParams(query.replaceAll("+", "%2B"))) {
    const known = parameters[name];
    parameters[name] = known === undefined ? value : typeof known === "string" ? [known, value] : [...known, value];
  }
  return parameters;
}

const queryOf = (url: string): string => {
  const mark = url.indexOf("?");
  return mark < 0 ? "" : url.slice(mark + 1);
};

function claimOf(
  credential: string,
  rest: Omit<Claim, "accessKeyId" | "day" | "region" | "service">,
): Claim | undefined {
  const [, accessKeyId, day, region = "", service] = CREDENTIAL.exec(credential) ?? [];
  if (accessKeyId === undefined || day === undefined || service === undefined) return undefined;
  return { accessKeyId, day, region, service, ...rest };
}

/**
 * Reads whose signature a call claims to carry, before it is checked.
 * @returns undefined where the signature is missing or unreadable
 */
export function readClaim({ url, headers }: Pick<ApiCall, "url" | "headers">): Claim | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) {
    const [algorithm = "", ...rest] = authorization.split(" ");
    const parts = byName(
      Object.fromEntries(
        rest
          .join("")
          .split(",")
          .map((part) => part.split(/=(.*)/s).slice(0, 2)),
      ),
    );
    const { Credential = "", SignedHeaders = "", Signature = "" } = parts as Record<string, string>;
    const date = headers["x-amz-date"] ?? "";
    return claimOf(Credential, { algorithm, signedHeaders: SignedHeaders.split(";"), signature: Signature, date });
  }
  const query = queryOf(url);
  if (!query.includes("X-Amz-Credential=")) return undefined;
  const parameters = parametersOf(query);
  const one = (name: string): string => {
    const value = parameters[name];
    return typeof value === "string" ? value : "";
  };
  return claimOf(one("X-Amz-Credential"), {
    algorithm: one("X-Amz-Algorithm"),
    signedHeaders: one("X-Amz-SignedHeaders").split(";"),
    signature: one("X-Amz-Signature"),
    date: one("X-Amz-Date"),
    expires: /^\d{1,10}$/.test(one("X-Amz-Expires")) ? Number(one("X-Amz-Expires")) : Number.NaN,
  });
}

/** Node's own SHA-256 in the shape that the signers take. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret as Buffer);
  }
  update(data: Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {
    throw new Error("a digest is made once");
  }
}

/** The SDK's own canonical request, for any service. */
class Canonical extends SignatureV4Base {
  constructor(uriEscapePath: boolean) {
    const credentials = { accessKeyId: "", secretAccessKey: "" };
    super({ credentials, region: "", service: "", sha256: Sha256, uriEscapePath });
  }
  of(request: HttpRequest, signedHeaders: readonly string[], payloadHash: string): string {
    const signable = new Set(signedHeaders);
    return this.createCanonicalRequest(request, getCanonicalHeaders(request, undefined, signable), payloadHash);
  }
}

const canonical = new Canonical(true);
/** S3 takes a path as it stands. */
const canonicalOfObjects = new Canonical(false);

/** Milliseconds since the epoch; undefined for text that is no such time. */
function timeOf(date: string): number | undefined {
  const match = DATE.exec(date);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

export interface VerifierOptions {
  callerOf(accessKeyId: string): Caller | undefined;
  /** Milliseconds since the epoch. @default the machine's clock */
  now?(): number;
}

/** Checks a call's signature. @returns the role that made it @throws ServiceError as the service refuses */
export type VerifySignature = (call: ApiCall, claim: Claim | undefined) => Promise<string>;

export function createVerifier({ callerOf, now = Date.now }: VerifierOptions): VerifySignature {
  const keys = new Map<string, KeyObject>();
  const publicKeys = new Map<string, KeyObject>();

  async function keyFor(claim: Claim, secretAccessKey: string): Promise<KeyObject> {
    const { accessKeyId, day, region, service } = claim;
    const name = `${accessKeyId}/${day}/${region}/${service}`;
    const known = keys.get(name);
    if (known !== undefined) return known;
    const made = createSecretKey(await getSigningKey(Sha256, { accessKeyId, secretAccessKey }, day, region, service));
    if (keys.size >= KEYS_KEPT) keys.clear();
    keys.set(name, made);
    return made;
  }

  return async (call, claim) => {
    const refuse = (fault: SignatureFault, message?: string) =>
      signatureRefusal(claim?.service ?? call.service, fault, message);
    const query = queryOf(call.url);
    if (claim === undefined)
      throw refuse(call.headers.authorization === undefined && !query.includes("X-Amz-") ? "missing" : "malformed");
    const objects = claim.service === "s3";
    if (call.headers.authorization !== undefined && query.includes("X-Amz-Credential="))
      throw refuse("malformed", "Only one auth mechanism allowed");
    const at = timeOf(claim.date);
    if (at === undefined || !claim.date.startsWith(claim.day) || !/^[0-9a-f]+$/.test(claim.signature))
      throw refuse(claim.expires === undefined ? "malformed" : "malformed_link");
    const caller = callerOf(claim.accessKeyId);
    if (caller === undefined) throw refuse("unknown_key");

    const skew = objects ? SKEW_S3_MS : SKEW_MS;
    if (claim.expires === undefined) {
      if (Math.abs(now() - at) > skew) throw refuse("skew");
    } else {
      if (Number.isNaN(claim.expires)) throw refuse("malformed_link", "X-Amz-Expires must be a number of seconds");
      if (claim.expires > MAX_PRESIGNED_TTL)
        throw refuse("malformed_link", "X-Amz-Expires must be less than a week (in seconds)");
      if (at > now() + skew) throw refuse("expired", "Request is not yet valid");
      if (now() > at + claim.expires * 1_000) throw refuse("expired");
    }

    const signed = new Set(claim.signedHeaders);
    if (!signed.has("host")) throw refuse("unsigned_header");
    const headers: Record<string, string> = byName();
    for (const [name, value] of Object.entries(call.headers)) {
      if (value === undefined) continue;
      if (signed.has(name)) headers[name] = value;
      else if (name.startsWith("x-amz-")) throw refuse("unsigned_header");
    }
    // A header that was signed and is not there spoils the signature.
    if (Object.keys(headers).length !== signed.size) throw refuse("mismatch");

    const mark = call.url.indexOf("?");
    const request: HttpRequest = {
      method: call.method,
      protocol: "http:",
      hostname: "",
      path: mark < 0 ? call.url : call.url.slice(0, mark),
      headers,
      ...(query === "" ? {} : { query: parametersOf(query) }),
    };
    const payloadHash = payloadHashOf(call, claim, request.query);
    if (payloadHash === undefined) throw refuse("payload");
    const text = (objects ? canonicalOfObjects : canonical).of(request, claim.signedHeaders, payloadHash);
    const given = Buffer.from(claim.signature, "hex");
    if (claim.algorithm === ALGORITHM_IDENTIFIER) {
      const scope = createScope(claim.day, claim.region, claim.service);
      const toSign = `${ALGORITHM_IDENTIFIER}\n${claim.date}\n${scope}\n${hash("sha256", text)}`;
      const expected = createHmac("sha256", await keyFor(claim, caller.secretAccessKey))
        .update(toSign)
        .digest();
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw refuse("mismatch");
      return caller.role;
    }
    if (claim.algorithm !== ALGORITHM_IDENTIFIER_V4A) throw refuse("malformed");
    const scope = `${claim.day}/${claim.service}/aws4_request`;
    const toSign = `${ALGORITHM_IDENTIFIER_V4A}\n${claim.date}\n${scope}\n${hash("sha256", text)}`;
    let publicKey = publicKeys.get(claim.accessKeyId);
    if (publicKey === undefined) {
      publicKey = await publicKeyOf({ accessKeyId: claim.accessKeyId, secretAccessKey: caller.secretAccessKey });
      if (publicKeys.size >= KEYS_KEPT) publicKeys.clear();
      publicKeys.set(claim.accessKeyId, publicKey);
    }
    if (!verify("sha256", Buffer.from(toSign), publicKey, given)) throw refuse("mismatch");
    return caller.role;
  };
}

/** The hash that goes into the canonical request; undefined when it is not the body's. */
function payloadHashOf(call: ApiCall, claim: Claim, query: QueryParameterBag | null | undefined): string | undefined {
  const actual = () => hash("sha256", call.body);
  if (claim.service !== "s3") return actual();
  const stated =
    call.headers["x-amz-content-sha256"] ??
    query?.["X-Amz-Content-Sha256"] ??
    (claim.expires === undefined ? undefined : UNSIGNED_PAYLOAD);
  if (typeof stated !== "string") return undefined;
  if (stated === UNSIGNED_PAYLOAD || stated === "STREAMING-UNSIGNED-PAYLOAD-TRAILER") return stated;
  return stated === actual() ? stated : undefined;
}

/**
 * The public half of the key by which a caller signs for all regions: its private half is derived from the secret, which the
 * signer does.
 */
async function publicKeyOf(credentials: { accessKeyId: string; secretAccessKey: string }): Promise<KeyObject> {
  const { SignatureV4a } = await import("@smithy/signature-v4a");
  const signer = new SignatureV4a({ credentials, region: "*", service: "", sha256: Sha256 });
  let secret: Uint8Array | undefined;
  Object.defineProperty(signer, "getSignature", {
    value: async (privateKey: Uint8Array) => {
      secret = privateKey;
      return "";
    },
  });
  await signer.sign({ method: "GET", protocol: "https:", hostname: "x", path: "/", headers: { host: "x" } }, {});
  const curve = createECDH("prime256v1");
  curve.setPrivateKey(secret!);
  const point = curve.getPublicKey();
  const coordinate = (from: number) => point.subarray(from, from + 32).toString("base64url");
  return createPublicKey({ format: "jwk", key: { kty: "EC", crv: "P-256", x: coordinate(1), y: coordinate(33) } });
}
