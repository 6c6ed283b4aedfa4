import { join } from "node:path";
import type { SQSRecord } from "aws-lambda";
import { defined, mapDefined } from "../runtime/domain/defined.ts";
import { type Clock, systemClock } from "./clock.ts";
import { onlySupports, optional, physicalName, regionOf } from "./declared.ts";
import { DurableFile } from "./durable.ts";
import { readJsonCall } from "./jsonProtocol.ts";
import { keyUse } from "./keyUse.ts";
import { readOldJournal, sayDamage } from "./oldJournal.ts";
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
import { actions, systemAttributes } from "./sqs/actions.ts";
import { MessageStore, messagesOf, QUEUES, type Room } from "./sqs/messages.ts";
import { MoveTasks } from "./sqs/moveTasks.ts";
import { Queue, type QueueSettings, type Received } from "./sqs/queue.ts";
import { jsonName, MAX_MESSAGE_BYTES, type MessageAttributes, within } from "./sqs/rules.ts";

/**
 * Amazon SQS on one machine: standard queues, each in memory, all of them in the file `sqs/queues.sqlite`.
 * Encryption arguments are accepted: the state lies on the developer's own disk. FIFO queues are refused.
 */
const BODIES_IN_MEMORY = 128 * 1024 * 1024;
/** Actions over more than one queue. */
const OWN_ACTIONS = new Set(["ListDeadLetterSourceQueues", "ListQueues"]);
const RETENTION_CHECK_MS = 60_000;
/** How long a mapping waits after a receive that could not be recorded. */
const UNAVAILABLE_PAUSE_MS = 1_000;

export interface SqsService extends LocalService {
  /** What event source mappings poll. Rejects when no queue has the ARN. */
  readonly source: QueueSource;
  /** By ARN: for tests, and for whoever shows how full queues are. */
  queues(): ReadonlyMap<string, Queue>;
}

const lambdaAttributes = (attributes: MessageAttributes = {}): SQSRecord["messageAttributes"] =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
      name,
      {
        dataType: DataType as "String",
        ...defined({ stringValue: StringValue, binaryValue: BinaryValue }),
        stringListValues: [],
        binaryListValues: [],
      },
    ]),
  );

export async function createSqs(context: LocalContext, clock: Clock = systemClock): Promise<SqsService> {
  const byArn = new Map<string, Queue>();
  /** Customer-managed key by queue. */
  const keys = new Map<string, string | undefined>();
  const room: Room = { left: BODIES_IN_MEMORY };
  const file = new DurableFile(join(context.state, "sqs", "queues.sqlite"), QUEUES, {
    what: "the queues",
    withoutIt: "accepted events that were still on their way to inbox, archive and webhooks are lost",
    log: context.log,
  });
  const arnOf = (region: string, name: string) => `arn:aws:sqs:${region}:${context.accountId}:${name}`;
  const urlOf = (name: string) => `${context.endpoint}/${context.accountId}/${name}`;

  let sweep = clock.at(clock.now() + RETENTION_CHECK_MS, expire);
  function expire(): void {
    for (const queue of byArn.values()) queue.expire();
    sweep = clock.at(clock.now() + RETENTION_CHECK_MS, expire);
  }

  function open(region: string, settings: QueueSettings): Queue {
    const store = new MessageStore(file, `${region}/${settings.name}`, room, clock.now() * 1000, context.log);
    const old = readOldJournal(join(context.state, "sqs", region, settings.name));
    if (old !== undefined) {
      store.takeOver(messagesOf(old));
      sayDamage(`queue ${settings.name}`, old, context.log);
      old.remove();
    }
    const queue = new Queue(settings, store, clock, (arn) => byArn.get(arn));
    byArn.set(settings.arn, queue);
    return queue;
  }

  /** What the last run left, and what lies dead: nobody takes that out unasked. */
  function tellWhatWaits(): void {
    const dead = new Set([...byArn.values()].map(({ settings }) => settings.redrive?.target));
    for (const [arn, queue] of byArn) {
      const { ready, delayed } = queue.counts();
      const { name } = queue.settings;
      const messages = `${ready + delayed} ${ready + delayed === 1 ? "message" : "messages"}`;
      if (ready + delayed === 0) continue;
      if (dead.has(arn)) context.log(`queue ${name}: ${messages} given up, put back by "npm run redrive -- ${name}"`);
      else context.log(`queue ${name}: ${messages} from the last run`);
    }
  }

  /** What CloudWatch shows of a queue. Source: SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS". */
  function watch(queue: Queue): void {
    const gauge = (metric: string, read: () => number) =>
      context.metrics?.gauge("AWS/SQS", metric, { QueueName: queue.settings.name }, read);
    gauge("ApproximateNumberOfMessagesVisible", () => queue.counts().ready);
    gauge("ApproximateNumberOfMessagesNotVisible", () => queue.counts().flight);
    gauge("ApproximateNumberOfMessagesDelayed", () => queue.counts().delayed);
    gauge("ApproximateAgeOfOldestMessage", () => queue.oldestSeconds());
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
      ...defined({ maxInFlight: mapDefined(context.account, (account) => Math.floor(account.of("sqsInFlight"))) }),
    };
    keys.set(arn, optional(inputs, "kmsMasterKeyId", "string"));
    const known = byArn.get(arn);
    if (known === undefined) watch(open(region, settings));
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

  const tasks = new MoveTasks(byArn, clock);
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
      ...keyUse(keys.get(source), "read", "sqs", region),
      ...destinations.flatMap((arn) => [
        ...upon(["SendMessage"], [arn]),
        ...keyUse(keys.get(arn), "write", "sqs", region),
      ]),
    ];
  }

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
    if (Object.hasOwn(moves, action)) return moves[action]!(args);
    const queue = queueOf(call);
    // It can't be told what a queue holds that can't be written.
    if (file.failure !== undefined && action === "GetQueueAttributes")
      throw new ServiceError("ServiceUnavailable", `The queue can't be written: ${file.failure.message}`, 503);
    if (action === "ListDeadLetterSourceQueues")
      return {
        queueUrls: [...byArn.values()]
          .filter(({ settings }) => settings.redrive?.target === queue.settings.arn)
          .map(({ settings }) => urlOf(settings.name))
          .sort(),
      };
    if (action === "GetQueueUrl") return { QueueUrl: urlOf(queue.settings.name) };
    const sender = call.caller ?? "anonymous";
    return actions[action]!(queue, args, { sender, suspicious: mayHoldControls(call.body) });
  }

  function queueByArn(arn: string): Queue {
    const queue = byArn.get(arn);
    if (queue === undefined) throw new Error(`no queue has the ARN ${arn}`);
    return queue;
  }

  const source: QueueSource = {
    async receive(arn, max, waitMs) {
      const queue = queueByArn(arn);
      let received: Received[];
      try {
        received = await queue.poll(max, waitMs / 1000);
      } catch (thrown) {
        // It has been said. What is ready stays ready: as a poller does, ask again a little later.
        if (!(thrown instanceof ServiceError) || thrown.status < 500) throw thrown;
        await new Promise((resolve) => setTimeout(resolve, UNAVAILABLE_PAUSE_MS));
        received = [];
      }
      return {
        records: received.map((one) => lambdaRecord(one, arn)),
        waitedMs: received.reduce((longest, { waitedMs }) => Math.max(longest, waitedMs), 0),
      };
    },
    async delete(arn, handles) {
      for (const handle of handles) queueByArn(arn).delete(handle);
    },
    async release(arn, handles) {
      for (const handle of handles) {
        try {
          queueByArn(arn).changeVisibility(handle, 0);
        } catch (thrown) {
          // The message's visibility timeout ended first, or someone deleted it: then there is nothing to release.
          if (!(thrown instanceof ServiceError)) throw thrown;
        }
      }
    },
  };

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
          ...(use === undefined ? [] : keyUse(keys.get(arn), use, "sqs", call.region)),
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
    source,
    queues: () => byArn,
    async start() {
      tellWhatWaits();
    },
    async scrub() {
      file.scrub();
    },
    async close() {
      sweep();
      tasks.close();
      for (const queue of byArn.values()) queue.close();
      file.close();
    },
  };
}

function lambdaRecord(received: Received, arn: string): SQSRecord {
  const { message } = received;
  return {
    messageId: message.id,
    receiptHandle: received.receipt,
    body: received.body,
    attributes: systemAttributes(received) as unknown as SQSRecord["attributes"],
    messageAttributes: lambdaAttributes(message.attributes),
    md5OfBody: message.md5,
    ...defined({ md5OfMessageAttributes: message.attributesMd5 }),
    eventSource: "aws:sqs",
    eventSourceARN: arn,
    awsRegion: arn.split(":")[3]!,
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
