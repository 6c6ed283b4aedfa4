import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import { readJson } from "../domain/json.ts";
import type { ServiceAnswers, ServiceRequest } from "../domain/service.ts";
import type { DeliveryTarget, SubscriptionOf } from "../domain/subscription.ts";
import type { Millis } from "../domain/time.ts";
import type { Invoke } from "./clients.ts";

/**
 * Asks the subscriptions service. `bytes` is the length of the answer's JSON, a measure of what keeping it costs.
 * @throws Error when the function is out of reach, failed, or took longer than `timeoutMs`
 */
export type Service = <Op extends ServiceRequest["op"]>(
  request: Extract<ServiceRequest, { op: Op }>,
  options?: { readonly timeoutMs?: Millis },
) => Promise<{ readonly answer: ServiceAnswers[Op]; readonly bytes: number }>;

const TIMEOUT_MS = 10_000;

/** Definitions for delivery, in as many answers as they need. One that is not there, and is not said to be unreadable, was never that tenant's. */
export async function askTargets(
  service: Service,
  wanted: readonly SubscriptionOf[],
  options?: { readonly timeoutMs?: Millis },
): Promise<{ readonly targets: readonly DeliveryTarget[]; readonly unreadable: readonly SubscriptionOf[] }> {
  const targets: DeliveryTarget[] = [];
  const unreadable: SubscriptionOf[] = [];
  for (let left = wanted; left.length > 0; ) {
    const { answer } = await service({ op: "targets", wanted: left }, options);
    targets.push(...answer.targets);
    unreadable.push(...(answer.unreadable ?? []));
    left = answer.unsaid ?? [];
  }
  return { targets, unreadable };
}

/** @param functionName name or ARN of the subscriptions function */
export function serviceOver(invoke: Invoke, functionName: string): Service {
  return async (request, { timeoutMs = TIMEOUT_MS } = {}) => {
    const bytes = await invoke(functionName, JSON.stringify(request), timeoutMs);
    return { answer: readJson(bytes.toString("utf8")) as ServiceAnswers[typeof request.op], bytes: bytes.length };
  };
}

/** Invokes functions by the SDK's client, for those functions that have it anyway. */
export function invokeOver(lambda: LambdaClient): Invoke {
  return async (functionName, payload, timeoutMs) => {
    const { FunctionError, Payload } = await lambda.send(
      new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(payload) }),
      { abortSignal: AbortSignal.timeout(timeoutMs) },
    );
    const bytes = Buffer.from(Payload ?? []);
    if (FunctionError !== undefined) throw new Error(`${functionName} failed: ${bytes.toString("utf8").slice(0, 500)}`);
    return bytes;
  };
}
