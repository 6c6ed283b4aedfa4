import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { type KeyRing, newDataKey, type SealedCounts } from "../runtime/domain/webhook/vault.ts";
import { newestOf, readSecret, replaceSecret, SETTLE_MS, settled, versionAfter } from "./heldSecret.ts";
import { Refusal } from "./refusal.ts";

/**
 * A new key for customers' secrets in four steps, while every sealed text can be opened at every moment: `add` a key, `use` it
 * for new texts, `seal` the old texts anew, `retire` the old key.
 *
 * Invariant: a key is known wherever texts are opened before a text is sealed by it, and no text is sealed by a key that is
 * gone. The first holds since `use` waits until every cache has read the ring again after `add`; the second since `retire`
 * waits as long after `use`, so that no text is sealed by the old key after that, and then counts.
 */

export interface Sealing {
  readonly secrets: SecretsManagerClient;
  /** ARN or name of the secret with the ring. */
  readonly sealingSecret: string;
  /** How many texts need each key: what the function of a deployment answers. */
  counts(): Promise<SealedCounts>;
  /** Seals anew what another key has sealed, for a while. @returns how many; 0 when none is left */
  sealSome(): Promise<number>;
  now(): number;
}

export interface KeyUse {
  readonly version: string;
  readonly current: boolean;
  readonly texts: number;
}

const read = ({ secrets, sealingSecret }: Sealing) =>
  readSecret(secrets, sealingSecret, (value): KeyRing => {
    const ring = value as KeyRing | null;
    if (ring?.keys?.[ring.current] === undefined) throw new Error(`${sealingSecret} holds no key ring`);
    return ring;
  });

/** Every key, and how many texts need it; clear text last, as the version `""`, where there is some. And how many are damaged. */
export async function usesOf(sealing: Sealing): Promise<{ readonly keys: KeyUse[]; readonly damaged: number }> {
  const [{ value: ring }, { versions: counts, damaged }] = await Promise.all([read(sealing), sealing.counts()]);
  const versions = Object.keys(ring.keys).sort((a, b) => Number(a) - Number(b));
  const others = Object.keys(counts).filter((version) => !versions.includes(version));
  const keys = [...versions, ...others].map((version) => ({
    version,
    current: version === ring.current,
    texts: counts[version] ?? 0,
  }));
  return { keys, damaged };
}

/** Adds a key by which nothing is sealed yet. @returns its version @throws Refusal when one already waits to be used */
export async function add(sealing: Sealing): Promise<string> {
  const held = await read(sealing);
  const newest = newestOf(held.value.keys);
  const version = versionAfter(newest, held.value.current, `key ${newest}`);
  await replaceSecret(sealing.secrets, sealing.sealingSecret, held, {
    ...held.value,
    keys: { ...held.value.keys, [version]: newDataKey() },
  } satisfies KeyRing);
  return version;
}

/** Has new texts sealed by the newest key. @returns its version @throws Refusal when it isn't known everywhere yet */
export async function use(sealing: Sealing, settleMs = SETTLE_MS): Promise<string> {
  const held = await read(sealing);
  const version = newestOf(held.value.keys);
  if (version === held.value.current) throw new Refusal(`key ${version} is in use already; add another first`);
  settled(held, sealing.now(), settleMs);
  await replaceSecret(sealing.secrets, sealing.sealingSecret, held, { ...held.value, current: version });
  return version;
}

/** Seals anew all that another key than the current one has sealed. @returns how many texts */
export async function seal(sealing: Sealing): Promise<number> {
  let sealed = 0;
  for (let some = await sealing.sealSome(); some > 0; some = await sealing.sealSome()) sealed += some;
  return sealed;
}

/**
 * Takes a key away for good.
 * @throws Refusal when there is none of this version, it is the current one, a text still needs it, or texts may still be sealed by it
 */
export async function retire(sealing: Sealing, version: string, settleMs = SETTLE_MS): Promise<void> {
  const held = await read(sealing);
  if (!Object.hasOwn(held.value.keys, version)) throw new Refusal(`there is no key ${version}`);
  if (version === held.value.current) throw new Refusal(`key ${version} is what new texts are sealed by`);
  settled(held, sealing.now(), settleMs);
  const needed = (await sealing.counts()).versions[version] ?? 0;
  if (needed > 0) throw new Refusal(`${needed} text(s) need key ${version}: seal them anew first`);
  const { [version]: _, ...keys } = held.value.keys;
  await replaceSecret(sealing.secrets, sealing.sealingSecret, held, { ...held.value, keys });
}
