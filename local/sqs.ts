import { defined, mapDefined } from "../runtime/domain/defined.ts";
import { systemClock } from "./clock.ts";
import { onlySupports, optional, physicalName, regionOf } from "./declared.ts";
import { readJsonCall } from "./jsonProtocol.ts";
import { keyUse } from "./keyUse.ts";
import {
  type ApiAnswer,
  type ApiCall,
  type Authorization,
  type LocalContext,
  type LocalService,
  type QueueSource,
  type ResourceRequest,
  ServiceError,
} from "./service.ts";
import { actions } from "./sqs/actions.ts";
import { MoveTasks } from "./sqs/moveTasks.ts";
import type { Queue, QueueSettings } from "./sqs/queue.ts";
import { Queues } from "./sqs/queues.ts";
import { jsonName, MAX_MESSAGE_BYTES, within } from "./sqs/rules.ts";
import { queueSource } from "./sqs/source.ts";

/**
 * Amazon SQS on one machine: standard queues, each in memory, all of them in the file `sqs/queues.sqlite`.
 * Encryption arguments are accepted: the state lies on the developer's own disk. FIFO queues are refused.
 */
/** Actions over more than one queue. */
const OWN_ACTIONS = new Set(["ListDeadLetterSourceQueues", "ListQueues"]);
export interface SqsService extends LocalService {
  /** What event source mappings poll. Rejects when no queue has the ARN. */
  readonly source: QueueSource;
  /** By ARN: for tests, and to show how full queues are. */
  queues(): ReadonlyMap<string, Queue>;
}

export async function createSqs(context: LocalContext): Promise<SqsService> {
  const queues = new Queues(context, systemClock);
  async function createQueue(request: ResourceRequest) {
    const { inputs } = request;
    onlySupports(
      request,
      "name visibilityTimeoutSeconds messageRetentionSeconds maxMessageSize delaySeconds receiveWaitTimeSeconds redrivePolicy redriveAllowPolicy policy kmsMasterKeyId kmsDataKeyReusePeriodSeconds sqsManagedSseEnabled",
    );
    const region = regionOf(request, context);
    const name = physicalName(request);
    if (!/^[A-Za-z0-9_-]{1,80}$/.test(name))
      throw new Error(`aws:sqs/queue:Queue "${request.name}": "${name}" is not a queue name`);
    const arn = queues.arnOf(region, name);
    const number = (member: string, fallback: number, low: number, high: number) =>
      within(member, optional(inputs, member, "number") ?? fallback, low, high);
    const settings: QueueSettings = {
      name,
      arn,
      visibilityTimeout: number("visibilityTimeoutSeconds", 30, 0, 43_200),
      delay: number("delaySeconds", 0, 0, 900),
      retention: number("messageRetentionSeconds", 345_600, 60, 1_209_600),
      maxMessageBytes: number("maxMessageSize", MAX_MESSAGE_BYTES, 1024, MAX_MESSAGE_BYTES),
      receiveWait: number("receiveWaitTimeSeconds", 0, 0, 20),
      ...redriveOf(optional(inputs, "redrivePolicy", "string")),
      ...defined({ maxInFlight: mapDefined(context.account, (account) => Math.floor(account.of("sqsInFlight"))) }),
    };
    queues.declare(region, settings, optional(inputs, "kmsMasterKeyId", "string"));
    const url = queues.urlOf(name);
    return {
      id: url,
      state: { ...inputs, name, arn, url, id: url, visibilityTimeoutSeconds: settings.visibilityTimeout, region },
    };
  }

  /** A policy or redrive policy given as a resource of its own, by the queue's URL. */
  async function attach(request: ResourceRequest, attribute: "redrivePolicy" | undefined) {
    const url = optional(request.inputs, "queueUrl", "string") ?? "";
    const queue = queues.at(url, regionOf(request, context));
    if (attribute !== undefined)
      queue.settings = { ...queue.settings, ...redriveOf(optional(request.inputs, attribute, "string")) };
    return { id: url, state: { ...request.inputs } };
  }

  function queueOf(call: ApiCall): Queue {
    const { action, args } = readJsonCall(call);
    const url = action === "GetQueueUrl" ? `${context.accountId}/${String(args.QueueName)}` : args.QueueUrl;
    if (typeof url !== "string")
      throw new ServiceError("MissingParameter", "The request must contain the parameter QueueUrl.");
    return queues.at(url, call.region);
  }

  const tasks = new MoveTasks(queues.byArn, systemClock);
  const moves: Readonly<Record<string, (args: Readonly<Record<string, unknown>>) => object>> = {
    StartMessageMoveTask: (args) => tasks.start(args),
    ListMessageMoveTasks: (args) => tasks.list(args),
    CancelMessageMoveTask: (args) => tasks.cancel(args),
  };
  const known = (action: string): boolean =>
    OWN_ACTIONS.has(action) || Object.hasOwn(actions, action) || Object.hasOwn(moves, action);

  /** Who starts a move acts upon both queues: reads and deletes here, sends there. */
  function moveAuthorizations(
    action: string,
    args: Readonly<Record<string, unknown>>,
    region: string,
  ): Authorization[] {
    const { source, destinations } = tasks.reach(action, args);
    const upon = (names: readonly string[], resources: readonly string[]) =>
      names.map((name): Authorization => ({ action: `sqs:${name}`, resources }));
    if (action !== "StartMessageMoveTask") return upon([action], [source]);
    return [
      ...upon([action, "DeleteMessage", "GetQueueAttributes", "ReceiveMessage"], [source]),
      ...keyUse(queues.keyOf(source), "read", "sqs", region),
      ...destinations.flatMap((arn) => [
        ...upon(["SendMessage"], [arn]),
        ...keyUse(queues.keyOf(arn), "write", "sqs", region),
      ]),
    ];
  }

  async function answer(call: ApiCall): Promise<unknown> {
    const { action, args } = readJsonCall(call);
    if (!known(action)) throw new ServiceError("UnknownOperation", `The local platform does not answer sqs:${action}.`);
    if (action === "ListQueues") {
      return { QueueUrls: queues.urls(call.region, String(args.QueueNamePrefix ?? "")) };
    }
    if (Object.hasOwn(moves, action)) return moves[action]!(args);
    const queue = queueOf(call);
    // The counts of a queue are unknown while its file can't be written.
    if (queues.failure !== undefined && action === "GetQueueAttributes")
      throw new ServiceError("ServiceUnavailable", `The queue can't be written: ${queues.failure.message}`, 503);
    if (action === "ListDeadLetterSourceQueues") return { queueUrls: queues.urlsDeadLetteringTo(queue) };
    if (action === "GetQueueUrl") return { QueueUrl: queues.urlOf(queue.settings.name) };
    const sender = call.caller ?? "anonymous";
    return actions[action]!(queue, args, { sender, suspicious: mayHoldControls(call.body) });
  }

  return {
    resources: {
      "aws:sqs/queue:Queue": createQueue,
      "aws:sqs/queuePolicy:QueuePolicy": (request) => attach(request, undefined),
      "aws:sqs/redrivePolicy:RedrivePolicy": (request) => attach(request, "redrivePolicy"),
      "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": (request) => attach(request, undefined),
    },
    api: {
      name: "sqs",
      authorizations(call) {
        const { action, args } = readJsonCall(call);
        if (!known(action))
          throw new ServiceError("UnknownOperation", `The local platform does not answer sqs:${action}.`);
        const name = action.replace(/(Message|Visibility)Batch$/, "$1");
        if (action === "ListQueues")
          return [{ action: "sqs:ListQueues", resources: [`arn:aws:sqs:${call.region}:${context.accountId}:*`] }];
        if (Object.hasOwn(moves, action)) return moveAuthorizations(action, args, call.region);
        const { arn } = queueOf(call).settings;
        const use = name === "SendMessage" ? "write" : name === "ReceiveMessage" ? "read" : undefined;
        return [
          { action: `sqs:${name}`, resources: [arn] },
          ...(use === undefined ? [] : keyUse(queues.keyOf(arn), use, "sqs", call.region)),
        ];
      },
      async call(call) {
        try {
          return { status: 200, headers: HEADERS, body: JSON.stringify(await answer(call)) };
        } catch (thrown) {
          return refusal(thrown);
        }
      },
    },
    source: queueSource(queues.byArn),
    queues: () => queues.byArn,
    async start() {
      queues.logWaiting();
    },
    async scrub() {
      queues.scrub();
    },
    async close() {
      tasks.close();
      queues.close();
    },
  };
}

const HEADERS = { "content-type": "application/x-amz-json-1.0" };

function refusal(thrown: unknown): ApiAnswer {
  if (!(thrown instanceof ServiceError)) throw thrown;
  return {
    status: thrown.status,
    headers: { ...HEADERS, "x-amzn-query-error": `${thrown.code};Sender` },
    body: JSON.stringify({ __type: `com.amazonaws.sqs#${jsonName(thrown.code)}`, message: thrown.message }),
  };
}

/** Control characters and surrogates come as `\u`, `\b`, `\f`; #xFFFE and #xFFFF also as bytes. JSON lets nothing else through. */
const mayHoldControls = (body: Buffer): boolean =>
  body.includes("\\u") || body.includes("\\b") || body.includes("\\f") || body.includes(0xef);

function redriveOf(policy: string | undefined): Pick<QueueSettings, "redrive"> {
  if (policy === undefined) return {};
  const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(policy) as {
    deadLetterTargetArn: string;
    maxReceiveCount: number | string;
  };
  return {
    redrive: { target: deadLetterTargetArn, maxReceiveCount: within("maxReceiveCount", maxReceiveCount, 1, 1000) },
  };
}
