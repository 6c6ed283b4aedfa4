/** What sealing and opening a signing secret costs. */
import { newKeyRing, openVault, type Place } from "../../../runtime/domain/webhook/vault.ts";

const vault = openVault(JSON.stringify(newKeyRing()));
const ROUNDS = 100_000;
const secret = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;
const places = Array.from({ length: 500 }, (_, n): Place => [`cus_${n}`, `sub_${n}`, "signing_secret"]);
const sealed = places.map((place) => vault.seal(secret, place));

for (const [name, work] of [
  ["seal", (n: number) => vault.seal(secret, places[n]!)],
  ["open", (n: number) => vault.open(sealed[n]!, places[n]!)],
] as const) {
  const before = process.cpuUsage();
  for (let i = 0; i < ROUNDS; i += 1) work(i % places.length);
  const { user, system } = process.cpuUsage(before);
  console.log(`${name} a signing secret: ${((user + system) / ROUNDS).toFixed(2)} us of CPU`);
}
