import { defined } from "../../runtime/domain/defined.ts";
import { ServiceError } from "../service.ts";
import type { Queue, Received } from "./queue.ts";
import * as rules from "./rules.ts";

/** The calls of the AWS JSON protocol upon one queue: arguments checked, behaviour in `Queue`. */
export type Arguments = Readonly<Record<string, unknown>>;

interface Entry {
  readonly Id: string;
  readonly [member: string]: unknown;
}

export type Answer = Record<string, unknown>;

/** What a call needs beyond its arguments. */
export interface Caller {
  /** For the `SenderId` of messages. */
  readonly sender: string;
  /** Whether the request's text could hold characters that SQS refuses; a scan of large bodies is saved otherwise. */
  readonly suspicious: boolean;
}

const text = (args: Arguments, name: string): string => {
  const value = args[name];
  if (value === undefined || value === null) throw rules.missing(name);
  if (typeof value !== "string") throw rules.invalid(`Value for parameter ${name} must be a string.`);
  return value;
};

const optionalWithin = (args: Arguments, name: string, low: number, high: number): number | undefined =>
  args[name] === undefined || args[name] === null ? undefined : rules.within(name, args[name], low, high);

/** Parameters of FIFO queues and of nothing else. */
function refuseFifo(args: Arguments): void {
  if (args.MessageDeduplicationId !== undefined)
    throw rules.invalid(
      "The request includes a parameter that is not valid for this queue type: MessageDeduplicationId",
    );
}

interface Prepared {
  readonly draft: Parameters<Queue["send"]>[0];
  readonly delay: number | undefined;
  readonly bytes: number;
}

function prepare(queue: Queue, args: Arguments, caller: Caller): Prepared {
  const body = text(args, "MessageBody");
  if (body === "") throw rules.missing("MessageBody");
  refuseFifo(args);
  if (caller.suspicious) rules.checkCharacters(body);
  const attributes = (args.MessageAttributes ?? {}) as rules.MessageAttributes;
  const bytes = Buffer.byteLength(body) + rules.attributeBytes(attributes);
  const { maxMessageBytes } = queue.settings;
  if (bytes > maxMessageBytes)
    throw rules.invalid(
      `One or more parameters are invalid. Reason: Message must be shorter than ${maxMessageBytes} bytes.`,
    );
  const group = args.MessageGroupId;
  if (group !== undefined && !/^[\x21-\x7E]{1,128}$/.test(String(group)))
    throw rules.invalid(
      `Value ${String(group)} for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.`,
    );
  const system = (args.MessageSystemAttributes ?? {}) as rules.MessageAttributes;
  for (const name of Object.keys(system))
    if (name !== "AWSTraceHeader") throw rules.invalid(`Message system attribute name '${name}' is invalid.`);
  return {
    draft: {
      body,
      sender: caller.sender,
      attributes: Object.keys(attributes).length === 0 ? undefined : attributes,
      attributesMd5: rules.md5OfAttributes(attributes),
      group: group as string | undefined,
      trace: system.AWSTraceHeader?.StringValue,
    },
    delay: optionalWithin(args, "DelaySeconds", 0, rules.MAX_DELAY_SECONDS),
    bytes,
  };
}

async function send(queue: Queue, args: Arguments, caller: Caller): Promise<Answer> {
  const { draft, delay } = prepare(queue, args, caller);
  const message = await queue.send(draft, delay);
  return {
    MessageId: message.id,
    MD5OfMessageBody: message.md5,
    ...present("MD5OfMessageAttributes", message.attributesMd5),
  };
}

const present = (name: string, value: string | undefined): Answer => defined({ [name]: value });

/** @throws ServiceError for a batch that is refused as a whole */
function entriesOf(args: Arguments): readonly Entry[] {
  const entries = (args.Entries ?? []) as readonly Entry[];
  const refuse = (name: string, message: string) => new ServiceError(`AWS.SimpleQueueService.${name}`, message);
  if (entries.length === 0) throw refuse("EmptyBatchRequest", "There should be at least one entry in the request.");
  if (entries.length > rules.MAX_BATCH)
    throw refuse(
      "TooManyEntriesInBatchRequest",
      `Maximum number of entries per request are ${rules.MAX_BATCH}. You have sent ${entries.length}.`,
    );
  const ids = new Set<string>();
  for (const { Id } of entries) {
    if (!/^[A-Za-z0-9_-]{1,80}$/.test(Id))
      throw refuse(
        "InvalidBatchEntryId",
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
      );
    if (ids.has(Id)) throw refuse("BatchEntryIdsNotDistinct", `Id ${Id} repeated.`);
    ids.add(Id);
  }
  return entries;
}

/** Does each entry on its own; those refused go to `Failed`. */
async function each(args: Arguments, run: (entry: Entry) => Answer | Promise<Answer>): Promise<Answer> {
  const Successful: Answer[] = [];
  const Failed: Answer[] = [];
  const outcomes = await Promise.allSettled(
    entriesOf(args).map(async (entry) => ({ Id: entry.Id, ...(await run(entry)) })),
  );
  outcomes.forEach((outcome, i) => {
    if (outcome.status === "fulfilled") Successful.push(outcome.value);
    else if (outcome.reason instanceof ServiceError)
      Failed.push({
        Id: entriesOf(args)[i]!.Id,
        SenderFault: true,
        Code: outcome.reason.code,
        Message: outcome.reason.message,
      });
    else throw outcome.reason;
  });
  return { Successful, Failed };
}

async function sendBatch(queue: Queue, args: Arguments, caller: Caller): Promise<Answer> {
  const bytes = entriesOf(args).reduce((sum, { MessageBody, MessageAttributes }) => {
    const attributes = (MessageAttributes ?? {}) as rules.MessageAttributes;
    return (
      sum +
      Buffer.byteLength(String(MessageBody ?? "")) +
      (MessageAttributes === undefined ? 0 : rules.attributeBytes(attributes))
    );
  }, 0);
  if (bytes > rules.MAX_MESSAGE_BYTES)
    throw new ServiceError(
      "AWS.SimpleQueueService.BatchRequestTooLong",
      `Batch requests cannot be longer than ${rules.MAX_MESSAGE_BYTES} bytes. You have sent ${bytes} bytes.`,
    );
  return each(args, (entry) => send(queue, entry, caller));
}

/** The system attributes of a received message, as `ReceiveMessage` and Lambda events name them. */
export function systemAttributes({ message }: Received): Record<string, string> {
  return {
    SenderId: message.sender,
    SentTimestamp: String(message.sentAt),
    ApproximateReceiveCount: String(message.receives),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
    ...defined({
      MessageGroupId: message.group,
      AWSTraceHeader: message.trace,
      DeadLetterQueueSourceArn: message.deadLetterSource,
    }),
  };
}

const wanted = (names: readonly string[], name: string): boolean =>
  names.some(
    (pattern) =>
      pattern === "All" ||
      pattern === name ||
      (/\.?\*$/.test(pattern) && name.startsWith(pattern.replace(/\.?\*$/, ""))),
  );

const pick = <T>(all: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> =>
  Object.fromEntries(Object.entries(all).filter(([name]) => wanted(names, name)));

async function receive(queue: Queue, args: Arguments): Promise<Answer> {
  const max = optionalWithin(args, "MaxNumberOfMessages", 1, rules.MAX_BATCH) ?? 1;
  const wait = optionalWithin(args, "WaitTimeSeconds", 0, rules.MAX_WAIT_SECONDS) ?? queue.settings.receiveWait;
  const visibility = optionalWithin(args, "VisibilityTimeout", 0, rules.MAX_VISIBILITY_SECONDS);
  const names = (args.MessageAttributeNames ?? []) as readonly string[];
  const system = (args.MessageSystemAttributeNames ?? args.AttributeNames ?? []) as readonly string[];
  const received = await queue.poll(max, wait, visibility);
  if (received.length === 0) return {};
  return {
    Messages: received.map((one) => {
      const attributes = pick(one.message.attributes ?? {}, names);
      const described = pick(systemAttributes(one), system);
      return {
        MessageId: one.message.id,
        ReceiptHandle: one.receipt,
        MD5OfBody: one.message.md5,
        Body: one.body,
        ...(Object.keys(described).length === 0 ? {} : { Attributes: described }),
        ...(Object.keys(attributes).length === 0
          ? {}
          : { MessageAttributes: attributes, MD5OfMessageAttributes: rules.md5OfAttributes(attributes) }),
      };
    }),
  };
}

function deleteOne(queue: Queue, args: Arguments): Answer {
  queue.delete(text(args, "ReceiptHandle"));
  return {};
}

function changeVisibility(queue: Queue, args: Arguments): Answer {
  const receipt = text(args, "ReceiptHandle");
  if (args.VisibilityTimeout === undefined) throw rules.missing("VisibilityTimeout");
  queue.changeVisibility(
    receipt,
    rules.within("VisibilityTimeout", args.VisibilityTimeout, 0, rules.MAX_VISIBILITY_SECONDS),
  );
  return {};
}

function attributesOf(queue: Queue, args: Arguments): Answer {
  const { settings } = queue;
  const { ready, delayed, flight } = queue.counts();
  const all: Record<string, string> = {
    QueueArn: settings.arn,
    ApproximateNumberOfMessages: String(ready),
    ApproximateNumberOfMessagesNotVisible: String(flight),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    VisibilityTimeout: String(settings.visibilityTimeout),
    MessageRetentionPeriod: String(settings.retention),
    MaximumMessageSize: String(settings.maxMessageBytes),
    DelaySeconds: String(settings.delay),
    ReceiveMessageWaitTimeSeconds: String(settings.receiveWait),
  };
  if (settings.redrive !== undefined)
    all.RedrivePolicy = JSON.stringify({
      deadLetterTargetArn: settings.redrive.target,
      maxReceiveCount: settings.redrive.maxReceiveCount,
    });
  const names = (args.AttributeNames ?? []) as readonly string[];
  const unknown = names.find((name) => name !== "All" && !KNOWN_ATTRIBUTES.has(name));
  if (unknown !== undefined) throw new ServiceError("InvalidAttributeName", `Unknown Attribute ${unknown}.`);
  const Attributes = names.includes("All")
    ? all
    : Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
  return Object.keys(Attributes).length === 0 ? {} : { Attributes };
}

const KNOWN_ATTRIBUTES = new Set(
  "Policy VisibilityTimeout MaximumMessageSize MessageRetentionPeriod ApproximateNumberOfMessages ApproximateNumberOfMessagesNotVisible CreatedTimestamp LastModifiedTimestamp QueueArn ApproximateNumberOfMessagesDelayed DelaySeconds ReceiveMessageWaitTimeSeconds RedrivePolicy FifoQueue ContentBasedDeduplication KmsMasterKeyId KmsDataKeyReusePeriodSeconds DeduplicationScope FifoThroughputLimit RedriveAllowPolicy SqsManagedSseEnabled".split(
    " ",
  ),
);

export const actions: Readonly<
  Record<string, (queue: Queue, args: Arguments, caller: Caller) => Answer | Promise<Answer>>
> = {
  SendMessage: send,
  SendMessageBatch: sendBatch,
  ReceiveMessage: receive,
  DeleteMessage: deleteOne,
  DeleteMessageBatch: (queue, args) => each(args, (entry) => deleteOne(queue, entry)),
  ChangeMessageVisibility: changeVisibility,
  ChangeMessageVisibilityBatch: (queue, args) => each(args, (entry) => changeVisibility(queue, entry)),
  GetQueueAttributes: attributesOf,
  GetQueueUrl: () => ({}),
  PurgeQueue: (queue) => {
    queue.purge();
    return {};
  },
};
