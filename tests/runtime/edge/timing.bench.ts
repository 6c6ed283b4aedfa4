/**
 * Whether time tells an unknown key id from a wrong secret. Both are refused many times in turn, and the two samples are
 * compared by Welch's t: below 3 the difference is within what chance makes of equal work. In this process, without a
 * network, even a difference of a few nanoseconds shows once the noise is cut off; so the bench also says what it is worth.
 */
import { randomBytes } from "node:crypto";
import {
  formatKey,
  hashSecret,
  type KeyRecord,
  newKeyId,
  newSecret,
  type Peppers,
} from "../../../runtime/domain/identity/apiKey.ts";
import { authenticate } from "../../../runtime/edge/authenticate.ts";
import { KeyCache } from "../../../runtime/edge/keyCache.ts";

const peppers: Peppers = { current: "1", versions: { "1": randomBytes(32).toString("base64") } };
const record: KeyRecord = {
  key_id: newKeyId(),
  customer_id: "cus_1",
  environment: "live",
  scopes: [],
  status: "active",
  versions: [{ hash: hashSecret(newSecret(), peppers.versions["1"]!), pepper_version: "1", created_at: "" }],
  customer_limit_per_second: 1,
  created_at: "",
};
const keys = new KeyCache({ read: async (id) => (id === record.key_id ? record : undefined), now: () => 0 });
const authenticator = { keys, peppers: async () => peppers, now: () => 0 };

const wrongSecret = `Bearer ${formatKey("live", record.key_id, newSecret())}`;
const unknownId = `Bearer ${formatKey("live", newKeyId(), newSecret())}`;

/** Microseconds until it is refused. */
async function refusal(authorization: string): Promise<number> {
  const begun = process.hrtime.bigint();
  await authenticate(authorization, "", authenticator).catch(() => {});
  return Number(process.hrtime.bigint() - begun) / 1_000;
}

const ROUNDS = 40_000;
const samples: [number[], number[]] = [[], []];
for (let i = 0; i < 2 * ROUNDS; i += 1) {
  const which = Math.random() < 0.5 ? 0 : 1;
  const micros = await refusal(which === 0 ? wrongSecret : unknownId);
  if (i > ROUNDS / 4) samples[which].push(micros);
}
const mean = (sample: number[]) => sample.reduce((sum, each) => sum + each, 0) / sample.length;
const variance = (sample: number[], m: number) =>
  sample.reduce((sum, each) => sum + (each - m) ** 2, 0) / (sample.length - 1);

/** Compares the two kinds, the slowest share of each (collections, other processes) left out. */
function compare(name: string, share: number): number {
  const [wrong, unknown] = samples.map((sample) =>
    sample.sort((a, b) => a - b).slice(0, Math.floor(sample.length * (1 - share))),
  ) as [number[], number[]];
  const [a, b] = [mean(wrong), mean(unknown)];
  const t = (a - b) / Math.sqrt(variance(wrong, a) / wrong.length + variance(unknown, b) / unknown.length);
  const micros = (value: number) => `${value.toFixed(2)} µs`;
  console.log(
    `${name}: wrong secret ${micros(a)}, unknown id ${micros(b)}, difference ${(a - b).toFixed(3)} µs, t = ${t.toFixed(1)}`,
  );
  return a - b;
}

compare("all samples", 0);
const difference = Math.abs(compare("without the slowest tenth", 0.1));
// What an attacker needs: t = 3 at the jitter of a very good network.
const JITTER_MICROS = 100;
const needed = 2 * ((3 * JITTER_MICROS) / difference) ** 2;
console.log(
  `through a network with ${JITTER_MICROS} µs of jitter it takes ${(needed / 1e6).toFixed(0)} million tries to see that difference`,
);
