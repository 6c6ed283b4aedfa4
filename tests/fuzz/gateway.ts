import { createCredentials } from "../../local/credentials.ts";
import { defined } from "../../runtime/domain/defined.ts";
import { startProbe } from "../local/probe.ts";
import { type Answered, type Sent, sendTo, sign, type Unsigned } from "../support/gatewayCalls.ts";
import { watchLookups } from "../support/lookups.ts";
import type { Dice } from "./random.ts";

/**
 * Random calls of the local gateway: of every service, with members, paths and headers that a caller makes up; a part of them signed by
 * a role's keys, the others by nobody's, by forged ones, not at all, or changed after they were signed.
 */
const TARGETS: readonly (readonly [service: string, target: string])[] = [
  ["sqs", "AmazonSQS.SendMessage"],
  ["sqs", "AmazonSQS.ReceiveMessage"],
  ["sqs", "AmazonSQS.GetQueueAttributes"],
  ["secretsmanager", "secretsmanager.GetSecretValue"],
  ["secretsmanager", "secretsmanager.DescribeSecret"],
  ["kms", "TrentService.Decrypt"],
  ["kms", "TrentService.GenerateDataKey"],
  ["dynamodb", "DynamoDB_20120810.GetItem"],
  ["dynamodb", "DynamoDB_20120810.PutItem"],
  ["firehose", "Firehose_20150804.PutRecordBatch"],
  ["monitoring", "GraniteServiceVersion20100801.GetMetricData"],
];
const PATHS: readonly (readonly [service: string, method: string, path: string])[] = [
  ["lambda", "POST", "/2015-03-31/functions/echo/invocations"],
  ["s3", "GET", "/none/a"],
  ["s3", "PUT", "/none/a"],
  ["s3", "DELETE", "/none/a"],
  ["cloudfront-keyvaluestore", "GET", "/key-value-stores/arn/keys/k"],
  ["scheduler", "GET", "/schedules/a"],
  ["execute-api", "POST", "/stage/@connections/a"],
  ["ses", "POST", "/v2/email/outbound-emails"],
];
const MEMBERS = "QueueUrl MessageBody MessageAttributes SecretId KeyId CiphertextBlob TableName Key Item Records".split(
  " ",
);
const NAMES = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "a",
  "",
  "%",
  "..",
  "\ud83d\ude00",
  "x".repeat(3_000),
];
const HOSTILE_BODIES = ["", "null", "[]", "5", '"x"', "{", '{"__proto__":{"a":1}}', "\u0000", `${"[".repeat(5_000)}`];

/** Who a call says that it is. */
type Signer = "administrator" | "role" | "nobody" | "forged" | "unsigned";
const SIGNERS: readonly Signer[] = ["administrator", "administrator", "role", "nobody", "forged", "unsigned"];

export interface GatewayOutcome {
  readonly status: number;
  /** The call, for a report. */
  readonly call: string;
  /** What is wrong with the answer. */
  readonly wrong?: string;
}

export interface GatewayWorld {
  run(chance: Dice): Promise<GatewayOutcome>;
  close(): Promise<void>;
}

const prototypeMembers = (): string => Reflect.ownKeys(Object.prototype).map(String).sort().join(" ");

/** A gateway of its own, with the services of the small program of tests/local. */
export async function gateway(): Promise<GatewayWorld> {
  const probe = await startProbe();
  const { gatewayUrl } = probe.core;
  const { host } = new URL(gatewayUrl);
  const lookups = watchLookups("/local/");
  const before = prototypeMembers();
  const strangers = createCredentials();
  const nameOf = (chance: Dice) => (chance.oneIn(3) ? lookups.name : chance.pick(NAMES));
  const memberOf = (chance: Dice, depth = 0): unknown =>
    chance.pick([
      () => nameOf(chance),
      () => chance.pick([0, -1, 1e308, null, true, [], {}]),
      () => (depth > 2 ? null : membersOf(chance, depth + 1)),
      () => String(probe.core.outputs.workUrl),
    ])();
  const membersOf = (chance: Dice, depth = 0): Record<string, unknown> =>
    Object.fromEntries(
      Array.from({ length: chance.below(6) }, () => [
        chance.oneIn(3) ? (chance.oneIn(3) ? lookups.name : chance.pick(NAMES)) : chance.pick(MEMBERS),
        memberOf(chance, depth),
      ]),
    );

  function callOf(chance: Dice): { service: string; call: Unsigned & { headers: Record<string, string> } } {
    const query = chance.oneIn(4) ? `${encodeURIComponent(nameOf(chance))}=${encodeURIComponent(nameOf(chance))}` : "";
    const body = chance.oneIn(5) ? chance.pick(HOSTILE_BODIES) : JSON.stringify(membersOf(chance));
    const made = chance.oneIn(4)
      ? `/${encodeURIComponent(nameOf(chance))}/${encodeURIComponent(nameOf(chance))}`
      : undefined;
    const extra: Record<string, string> = chance.oneIn(3) ? { [`x-${lookups.name}`]: lookups.name } : {};
    if (chance.oneIn(2)) {
      const [service, target] = chance.pick(TARGETS);
      const named = chance.oneIn(6) ? `${nameOf(chance)}.${nameOf(chance)}`.replaceAll(/[^!-~]/g, "x") : target;
      const headers = { "content-type": "application/x-amz-json-1.0", "x-amz-target": named, ...extra };
      return { service, call: { method: "POST", path: made ?? "/", query, headers, body } };
    }
    const [service, method, path] = chance.pick(PATHS);
    return { service, call: { method, path: made ?? path, query, headers: extra, body: method === "GET" ? "" : body } };
  }

  async function signedBy(signer: Signer, service: string, call: Unsigned & { headers: Record<string, string> }) {
    if (signer === "unsigned") return { ...call, headers: { ...call.headers, host } };
    const own = probe.core.aws(signer === "role" ? "worker-role" : undefined).credentials;
    const { accessKeyId } = own;
    const credentials =
      signer === "nobody"
        ? strangers.of(service)
        : signer === "forged"
          ? { accessKeyId, secretAccessKey: strangers.of("forger").secretAccessKey }
          : own;
    return sign(call, { service, credentials, host });
  }

  /** Changes one thing of a call that was signed. */
  function changed(chance: Dice, sent: Sent): Sent {
    return chance.pick<() => Sent>([
      () => ({ ...sent, method: sent.method === "POST" ? "PUT" : "POST" }),
      () => ({ ...sent, path: `${sent.path}x` }),
      () => ({ ...sent, query: sent.query === "" ? "added=1" : `${sent.query}&added=1` }),
      () => ({ ...sent, headers: { ...sent.headers, "x-amz-added": "1" } }),
      () => ({ ...sent, headers: { ...sent.headers, origin: "https://evil.example" } }),
      () => ({ ...sent, headers: { ...sent.headers, host: `evil.example:${host.split(":")[1]}` } }),
    ])();
  }

  /** @param known whether a key of this start signed the call as it was sent */
  function wrongWith(service: string, { status, text }: Answered, known: boolean): string | undefined {
    if (status >= 500 && status !== 501) return `it was answered ${status}: ${text.slice(0, 300)}`;
    if (!known && status !== 400 && status !== 403) return `nobody signed it, and it was answered ${status}`;
    // What a function throws is answered with its stack, as Lambda does.
    if (service !== "lambda" && /\/(local|runtime|node_modules)\/[^ ]*\.[jt]s:\d+/.test(text))
      return "the answer shows the code";
    if (prototypeMembers() !== before) return "it changed Object.prototype";
    const [line] = lookups.found;
    return line === undefined ? undefined : `${line} looks up what the caller names`;
  }

  return {
    async run(chance) {
      const { service, call } = callOf(chance);
      const signer = chance.pick(SIGNERS);
      const whole = await signedBy(signer, service, call);
      const tampered = chance.oneIn(4);
      const sent = tampered ? changed(chance, whole) : whole;
      const answer = await sendTo(gatewayUrl, sent);
      const known = !tampered && (signer === "administrator" || signer === "role");
      const wrong = wrongWith(service, answer, known);
      const text = `${service} by ${signer}${tampered ? ", changed" : ""}: ${JSON.stringify(sent).slice(0, 2_000)}`;
      return { status: answer.status, call: text, ...defined({ wrong }) };
    },
    async close() {
      lookups.end();
      await probe.stop();
    },
  };
}
