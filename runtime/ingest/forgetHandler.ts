import { settingsHere } from "../aws/signed.ts";
import { readEnvironment } from "../domain/environment.ts";
import type { ForgetRequest, Forgotten } from "../domain/idempotency.ts";
import { redisOf } from "../redis/connect.ts";
import { connectAws } from "./aws.ts";
import { forgetVariables } from "./environment.ts";
import { FORGET_SCRIPT, forget } from "./forget.ts";

/** Of one invocation, whose timeout is 30 s. */
const WALK_MS = 10_000;

const env = readEnvironment(forgetVariables);
const aws = connectAws(settingsHere(2_500));

const redis = redisOf(env, aws.getSecret, { forget: FORGET_SCRIPT });

/** Invoked by retain, which erases from outside the private network: entries to forget in, what became of them out. */
export const handler = (request: ForgetRequest): Promise<Forgotten> =>
  forget(redis, request, Date.now, Date.now() + WALK_MS);
