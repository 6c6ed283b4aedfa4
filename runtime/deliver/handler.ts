import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import type { Agent } from "undici";
import { clientsOver } from "../aws/clients.ts";
import { givingBackOver } from "../aws/giveBack.ts";
import { errorText, log } from "../aws/log.ts";
import { publisherOver, tellOver } from "../aws/publisher.ts";
import { queueName, sendOrThrow } from "../aws/queues.ts";
import { serviceOver } from "../aws/service.ts";
import { settingsHere, signedCalls } from "../aws/signed.ts";
import type { Table } from "../aws/tables.ts";
import { tracerOver } from "../aws/tracing.ts";
import { usageOver } from "../counters/write.ts";
import { ageOf } from "../domain/age.ts";
import type { DirectPost, DirectPostAnswer } from "../domain/alerts/work.ts";
import { readEnvironment } from "../domain/environment.ts";
import type { DeliveryTest, DeliveryTestAnswer } from "../domain/service.ts";
import { urlRulesOf } from "../domain/webhook/webhookUrl.ts";
import { putDeliveries, replaceDelivery } from "../store/deliveries/changeDelivery.ts";
import { readFromTable } from "../store/deliveries/stored.ts";
import { heldIn } from "../store/deliveries/waiting.ts";
import { problemsIn } from "../store/problems.ts";
import { recentStops, tellStop } from "../store/stops.ts";
import { circuitStore } from "./circuits.ts";
import { guardedAgent, KEEP_ALIVE_MS } from "./connect.ts";
import { type DeliverPorts, deliver } from "./deliver.ts";
import { postDirectly } from "./direct.ts";
import { deliverVariables } from "./environment.ts";
import { hostsOver } from "./hosts.ts";
import { noticeOf } from "./notice.ts";
import { payloadMaker } from "./payloads.ts";
import { post, TIMEOUT_MS } from "./post.ts";
import { slowEndpoints } from "./postAll.ts";
import { sendSample } from "./sample.ts";
import { targetCache } from "./targets.ts";

const env = readEnvironment(deliverVariables);
const { dynamodb, sqs, invoke, invokeLater, getObject, getSecret } = clientsOver(signedCalls(settingsHere(5_000)));
const events: Table = { dynamodb, name: env.EVENTS_TABLE };
const service = serviceOver(invoke, env.SUBSCRIPTIONS_FUNCTION);
const rules = urlRulesOf({ ...env, LOCAL_PORTS: process.env.LOCAL_PORTS });
const tracer = tracerOver(env, { log, getSecret });

const newAgent = () => guardedAgent({ ...rules, timeoutMs: TIMEOUT_MS });
let agent: Agent | undefined;
let usedAt = 0;

/** Between invocations the function stands still, and its connections with it: old ones are not trusted with a post. */
function connections(): Agent {
  if (agent === undefined || ageOf(usedAt, Date.now()) > KEEP_ALIVE_MS) {
    void agent?.destroy().catch(() => undefined);
    agent = newAgent();
  }
  usedAt = Date.now();
  return agent;
}

const firstLane = queueName(env.DELIVERY_QUEUE_URL);

const circuits = circuitStore(events, Date.now);

const targets = targetCache(service, log, Date.now, () => recentStops(events, Date.now()));

const ports: DeliverPorts = {
  log,
  now: Date.now,
  dice: Math.random,
  service,
  targets,
  circuits,
  problems: problemsIn(events, Date.now),
  held: heldIn(events),
  posting: {
    rules,
    now: Date.now,
    slow: slowEndpoints(Date.now),
    hosts: hostsOver(events, Number(env.HOST_LIMIT), { log, now: Date.now, dice: Math.random }),
    post: (request, limits) => post(connections(), request, limits, newAgent),
    standing: targets.standing,
    suspect: ({ tenant, subscription_id }) =>
      void circuits.suspect(tenant, subscription_id).catch((error) => {
        log("warn", "deliver.slow_not_marked", { tenant, subscription_id, error: errorText(error) });
      }),
    traceRatio: tracer?.ratio,
    payloads: payloadMaker({ service, region: process.env.AWS_REGION ?? "", now: Date.now }),
  },
  firstLane: ({ eventSourceARN }) => queueName(eventSourceARN) === firstLane,
  read: (wanted) => readFromTable(events, wanted),
  fetchBody: (key) => getObject(env.PAYLOAD_BUCKET, key),
  putItems: (items) => putDeliveries(events, items),
  replaceItem: (before, after) => replaceDelivery(events, before, after),
  retry: (messages) => sendOrThrow(sqs, env.RETRY_QUEUE_URL, messages),
  countUsage: usageOver({ dynamodb, name: env.METRICS_TABLE }, log),
  tell: tellOver(publisherOver(invokeLater, env.PUBLISH_FUNCTION), log),
  stop: (tenant, id) => tellStop(events, tenant, id, Date.now()),
  giveBack: givingBackOver(
    sqs,
    [
      { url: env.DELIVERY_QUEUE_URL, deadUrl: env.DELIVERY_DEAD_URL },
      { url: env.RETRY_QUEUE_URL, deadUrl: env.RETRY_DEAD_URL },
    ],
    log,
  ),
  tracer,
  tellOwner: (circuit, level) => sendOrThrow(sqs, env.NOTICE_QUEUE_URL, [noticeOf(circuit, level)]),
};

/** SQS trigger of the delivery and retry queues, partial failures reported; or a sample or another post, asked for directly. */
export const handler = async (
  event: SQSEvent | DeliveryTest | DirectPost,
): Promise<SQSBatchResponse | DeliveryTestAnswer | DirectPostAnswer> => {
  if ("Records" in event) return deliver(event, ports);
  return event.op === "post" ? postDirectly(event, ports) : sendSample(event, ports);
};
