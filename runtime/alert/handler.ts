import { PinpointSMSVoiceV2Client } from "@aws-sdk/client-pinpoint-sms-voice-v2";
import { SESv2Client } from "@aws-sdk/client-sesv2";
import type { Context } from "aws-lambda";
import { clientsOver } from "../aws/clients.ts";
import { log } from "../aws/log.ts";
import { publisherOver, tellOver } from "../aws/publisher.ts";
import { sendOrThrow } from "../aws/queues.ts";
import { serviceOver } from "../aws/service.ts";
import { settingsHere, signedCalls } from "../aws/signed.ts";
import type { Table } from "../aws/tables.ts";
import { activeMinutes } from "../counters/active.ts";
import type { MetricsReader } from "../counters/metrics.ts";
import type { SendAnswer, SendRequest } from "../domain/alerts/work.ts";
import { readEnvironment } from "../domain/environment.ts";
import { newId } from "../domain/ids.ts";
import { sendDue } from "./deliverMessages.ts";
import { elsewhereHere } from "./elsewhere.ts";
import { alertVariables } from "./environment.ts";
import { postOver, sendTo } from "./send.ts";
import { suspectIn } from "./suspect.ts";
import { type KnownRules, tick } from "./tick.ts";

const env = readEnvironment(alertVariables);
const { dynamodb, sqs, invoke, invokeLater } = clientsOver(signedCalls(settingsHere(10_000)));
const service = serviceOver(invoke, env.SUBSCRIPTIONS_FUNCTION);
const counters: Table = { dynamodb, name: env.METRICS_TABLE };
const events: Table = { dynamodb, name: env.EVENTS_TABLE };
const active = activeMinutes(counters, Date.now);
const rules = new Map<string, KnownRules>();

const reader: MetricsReader = {
  counters,
  now: Date.now,
  minuteShards: active.shards,
  // No rule looks back so far, or by so much at once.
  cube: { ask: () => Promise.reject(new Error("a rule never asks the cube")) },
  async workflows(tenant) {
    const { answer } = await service({ op: "workflows", tenant });
    return new Map(answer.workflows);
  },
};

/** A service that does not answer is told as a failure of the channel; it keeps nobody else waiting. */
const QUICK = { requestHandler: { connectionTimeout: 2_000, requestTimeout: 4_000, throwOnRequestTimeout: true } };
const sending = {
  ses: new SESv2Client(QUICK),
  sms: new PinpointSMSVoiceV2Client(QUICK),
  mailFrom: env.MAIL_FROM,
  smsFrom: env.SMS_FROM,
  post: postOver(invoke, env.DELIVER_FUNCTION),
  elsewhere: elsewhereHere(),
};

/** Time that is left for sending after evaluating, for the slowest message that is begun, and for writing what became of it. */
const SEND_MS = 20_000;
const SLOWEST_MS = 10_000;
const END_MS = 5_000;

/** Started every minute: evaluates all rules, and sends the due messages. Or one message, asked for directly. */
export async function handler(
  event: SendRequest | Record<never, never>,
  context: Context,
): Promise<SendAnswer | undefined> {
  if ("op" in event) {
    const { tenant, channel, message, payload } = event;
    return sendTo(sending, { tenant, channel, message, payload, id: newId("msg", Date.now()) });
  }
  const end = Date.now() + context.getRemainingTimeInMillis() - END_MS;
  const began = Date.now();
  const ticked = await tick(
    {
      ...{ log, now: Date.now, service, reader, active, rules },
      suspect: suspectIn(events, reader.workflows, Date.now),
      tell: tellOver(publisherOver(invokeLater, env.PUBLISH_FUNCTION), log),
    },
    end - SEND_MS,
  );
  const evaluated_ms = Date.now() - began;
  const messages = await sendDue(
    { ...sending, log, now: Date.now, service, tell: (some) => sendOrThrow(sqs, env.NOTICE_QUEUE_URL, some) },
    end - SLOWEST_MS,
  );
  log("info", "alert.ticked", { ...ticked, evaluated_ms, ...messages });
  return undefined;
}
