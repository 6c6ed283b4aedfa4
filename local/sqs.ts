import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Clock, systemClock } from "./clock.ts";
import { onlySupports, optional, physicalName, regionOf } from "./declared.ts";
import { readJsonCall } from "./jsonProtocol.ts";
import {
  type ApiAnswer,
  type ApiCall,
  type Authorization,
  type LocalContext,
  type LocalService,
  type ResourceRequest,
  ServiceError,
} from "./service.ts";
import { actions, systemAttributes } from "./sqs/actions.ts";
import { Journal } from "./sqs/journal.ts";
import { MessageStore, type Room } from "./sqs/messages.ts";
import { Queue, type QueueSettings, type Received } from "./sqs/queue.ts";
import { jsonName, MAX_MESSAGE_BYTES, type MessageAttributes, within } from "./sqs/rules.ts";

/**
 * Amazon SQS on one machine: standard queues, each in memory and in a journal of its own under `sqs/<region>/<name>`.
 * Encryption arguments are accepted: the state lies on the developer's own disk. FIFO queues are refused.
 */
const BODIES_IN_MEMORY = 128 * 1024 * 1024;
const RETENTION_CHECK_MS = 60_000;

/** One record of the event that Lambda gets from an SQS event source mapping. */
export interface QueueRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageAttributes: Readonly<
    Record<
      string,
      {
        dataType: string;
        stringValue?: string;
        binaryValue?: string;
        stringListValues: never[];
        binaryListValues: never[];
      }
    >
  >;
  readonly md5OfBody: string;
  readonly md5OfMessageAttributes?: string;
  readonly eventSource: "aws:sqs";
  readonly eventSourceARN: string;
  readonly awsRegion: string;
}

/** A queue as an event source mapping polls it, without HTTP between. */
export interface QueueSource {
  readonly arn: string;
  readonly visibilityTimeout: number;
  /** Up to `max` records at once, none when there are none. They stay invisible for `visibilitySeconds`, by default the queue's own. */
  receive(max: number, visibilitySeconds?: number): QueueRecord[];
  /** Resolves as soon as there may be something to receive, or when `signal` aborts. */
  arrival(signal?: AbortSignal): Promise<void>;
  delete(receiptHandles: readonly string[]): void;
  /** Makes records visible again after `delaySeconds`: what Lambda does with those it could not hand to the function. */
  release(receiptHandles: readonly string[], delaySeconds?: number): void;
  /** Messages in it: ready, delayed, in flight. */
  counts(): { readonly ready: number; readonly delayed: number; readonly flight: number };
}

export interface SqsService extends LocalService {
  /** @throws Error when no queue has this ARN */
  source(arn: string): QueueSource;
  queues(): readonly Queue[];
}

const lambdaAttributes = (attributes: MessageAttributes = {}): QueueRecord["messageAttributes"] =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
      name,
      {
        dataType: DataType,
        ...(StringValue === undefined ? {} : { stringValue: StringValue }),
        ...(BinaryValue === undefined ? {} : { binaryValue: BinaryValue }),
        stringListValues: [],
        binaryListValues: [],
      },
    ]),
  );

export async function createSqs(context: LocalContext, clock: Clock = systemClock): Promise<SqsService> {
  const byArn = new Map<string, Queue>();
  const room: Room = { left: BODIES_IN_MEMORY };
  const arnOf = (region: string, name: string) => `arn:aws:sqs:${region}:${context.accountId}:${name}`;
  const urlOf = (name: string) => `${context.endpoint}/${context.accountId}/${name}`;

  let sweep = clock.at(clock.now() + RETENTION_CHECK_MS, expire);
  function expire(): void {
    for (const queue of byArn.values()) queue.expire();
    sweep = clock.at(clock.now() + RETENTION_CHECK_MS, expire);
  }

  function open(region: string, settings: QueueSettings): Queue {
    const folder = join(context.state, "sqs", region, settings.name);
    const resumed = existsSync(folder);
    const queue = new Queue(settings, new MessageStore(new Journal(folder), room, clock.now() * 1000), clock, (arn) =>
      byArn.get(arn),
    );
    byArn.set(settings.arn, queue);
    const { ready, delayed } = queue.counts();
    if (resumed && ready + delayed > 0)
      context.log(`queue ${settings.name}: ${ready + delayed} messages from the last run`);
    return queue;
  }

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
    const arn = arnOf(region, name);
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
    };
    const known = byArn.get(arn);
    if (known === undefined) open(region, settings);
    else known.settings = settings;
    const url = urlOf(name);
    return {
      id: url,
      state: { ...inputs, name, arn, url, id: url, visibilityTimeoutSeconds: settings.visibilityTimeout, region },
    };
  }

  /** A policy or redrive policy given as a resource of its own, by the queue's URL. */
  async function attach(request: ResourceRequest, attribute: "redrivePolicy" | undefined) {
    const url = optional(request.inputs, "queueUrl", "string") ?? "";
    const queue = queueAt(url, regionOf(request, context));
    if (attribute !== undefined)
      queue.settings = { ...queue.settings, ...redriveOf(optional(request.inputs, attribute, "string")) };
    return { id: url, state: { ...request.inputs } };
  }

  /** @throws ServiceError when there is no such queue */
  function queueAt(url: string, region: string): Queue {
    const [account, name] = url.split("/").slice(-2);
    const queue = account === context.accountId ? byArn.get(arnOf(region, name ?? "")) : undefined;
    if (queue === undefined)
      throw new ServiceError("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.");
    return queue;
  }

  function queueOf(call: ApiCall): Queue {
    const { action, args } = readJsonCall(call);
    const url = action === "GetQueueUrl" ? `${context.accountId}/${String(args.QueueName)}` : args.QueueUrl;
    if (typeof url !== "string")
      throw new ServiceError("MissingParameter", "The request must contain the parameter QueueUrl.");
    return queueAt(url, call.region);
  }

  const known = (action: string): boolean => action === "ListQueues" || Object.hasOwn(actions, action);

  async function answer(call: ApiCall): Promise<unknown> {
    const { action, args } = readJsonCall(call);
    if (!known(action)) throw new ServiceError("UnknownOperation", `The local platform does not answer sqs:${action}.`);
    if (action === "ListQueues") {
      const prefix = String(args.QueueNamePrefix ?? "");
      const names = [...byArn.values()]
        .filter(({ settings }) => settings.arn.split(":")[3] === call.region)
        .map(({ settings }) => settings.name);
      return {
        QueueUrls: names
          .filter((name) => name.startsWith(prefix))
          .sort()
          .map(urlOf),
      };
    }
    const queue = queueOf(call);
    if (action === "GetQueueUrl") return { QueueUrl: urlOf(queue.settings.name) };
    const sender = /Credential=([^/]+)/.exec(call.headers.authorization ?? "")?.[1] ?? "anonymous";
    return actions[action]!(queue, args, { sender, suspicious: mayHoldControls(call.body) });
  }

  function source(arn: string): QueueSource {
    const queue = byArn.get(arn);
    if (queue === undefined) throw new Error(`no queue has the ARN ${arn}`);
    const awsRegion = arn.split(":")[3]!;
    const record = (received: Received): QueueRecord => ({
      messageId: received.message.id,
      receiptHandle: received.receipt,
      body: received.body,
      attributes: systemAttributes(received),
      messageAttributes: lambdaAttributes(received.message.attributes),
      md5OfBody: received.message.md5,
      ...(received.message.attributesMd5 === undefined
        ? {}
        : { md5OfMessageAttributes: received.message.attributesMd5 }),
      eventSource: "aws:sqs",
      eventSourceARN: arn,
      awsRegion,
    });
    return {
      arn,
      get visibilityTimeout() {
        return queue.settings.visibilityTimeout;
      },
      receive: (max, visibility) => queue.receive(max, visibility).map(record),
      arrival: (signal) => queue.arrival(signal),
      delete: (handles) => {
        for (const handle of handles) queue.delete(handle);
      },
      release: (handles, delay = 0) => {
        for (const handle of handles) {
          try {
            queue.changeVisibility(handle, delay);
          } catch (thrown) {
            // The message's visibility timeout ended first, or someone deleted it: then there is nothing to release.
            if (!(thrown instanceof ServiceError)) throw thrown;
          }
        }
      },
      counts: () => queue.counts(),
    };
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
        const { action } = readJsonCall(call);
        if (!known(action))
          throw new ServiceError("UnknownOperation", `The local platform does not answer sqs:${action}.`);
        const name = action.replace(/(Message|Visibility)Batch$/, "$1");
        const resource =
          action === "ListQueues" ? `arn:aws:sqs:${call.region}:${context.accountId}:*` : queueOf(call).settings.arn;
        return [{ action: `sqs:${name}`, resources: [resource] }] satisfies Authorization[];
      },
      async call(call) {
        try {
          return { status: 200, headers: HEADERS, body: JSON.stringify(await answer(call)) };
        } catch (thrown) {
          return refusal(thrown);
        }
      },
    },
    source,
    queues: () => [...byArn.values()],
    async close() {
      sweep();
      for (const queue of byArn.values()) queue.close();
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
