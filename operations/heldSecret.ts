import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import { Refusal } from "./refusal.ts";

/** A secret that holds several versions, changed step by step: its value is read, and replaced only if it is still the same. */

/** Milliseconds until all that use such a secret have read it anew: they keep it for five minutes. */
export const SETTLE_MS = 10 * 60_000;

export interface Held<T> {
  readonly value: T;
  readonly versionId: string;
  /** When the secret was last written, milliseconds. */
  readonly writtenAt: number;
}

/** @param parse throws where the secret holds something else */
export async function readSecret<T>(
  secrets: SecretsManagerClient,
  id: string,
  parse: (value: unknown) => T,
): Promise<Held<T>> {
  const answer = await secrets.send(new GetSecretValueCommand({ SecretId: id }));
  const value = parse(JSON.parse(answer.SecretString ?? "null"));
  return { value, versionId: answer.VersionId!, writtenAt: answer.CreatedDate!.getTime() };
}

/** Puts a value in place of the one that was read. @throws Refusal when somebody else did so meanwhile */
export async function replaceSecret(
  secrets: SecretsManagerClient,
  id: string,
  held: Held<unknown>,
  value: unknown,
): Promise<void> {
  const { VersionId } = await secrets.send(
    new PutSecretValueCommand({ SecretId: id, SecretString: JSON.stringify(value), VersionStages: ["TRIGGERS_NEXT"] }),
  );
  try {
    await secrets.send(
      new UpdateSecretVersionStageCommand({
        SecretId: id,
        VersionStage: "AWSCURRENT",
        MoveToVersionId: VersionId,
        RemoveFromVersionId: held.versionId,
      }),
    );
  } catch (cause) {
    if ((cause as Error).name !== "InvalidParameterException") throw cause;
    // The answer to a first call may have been lost.
    const now = await secrets.send(new GetSecretValueCommand({ SecretId: id }));
    if (now.VersionId === VersionId) return;
    throw new Refusal("the secret was changed by somebody else meanwhile", { cause });
  }
}

/** The newest of a secret's versions, which are numbers. */
export const newestOf = (versions: Readonly<Record<string, unknown>>): string =>
  String(Math.max(...Object.keys(versions).map(Number)));

/** The name for one more version. @param newest as it is called: "version 3" @throws Refusal when the newest waits to be used */
export function versionAfter(newest: string, current: string, called: string): string {
  if (newest !== current) throw new Refusal(`${called} waits to be used`);
  return String(Number(newest) + 1);
}

/** @throws Refusal when the secret was written so lately that not all that use it have read it */
export function settled(held: Held<unknown>, now: number, settleMs: number): void {
  const left = held.writtenAt + settleMs - now;
  if (left > 0)
    throw new Refusal(
      `the secret was written ${Math.floor((now - held.writtenAt) / 1_000)} s ago: try again in ${Math.ceil(left / 1_000)} s, when every cache has it`,
    );
}
