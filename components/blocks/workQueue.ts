import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { defined, mapDefined } from "../../runtime/domain/defined.ts";
import type { EncryptionKey } from "./encryptionKey.ts";
import type { Handler } from "./handler.ts";
import { type Permission, refusePlainText } from "./permissions.ts";

// Invariant: a message leaves `queue` only deleted or moved to `dead`, or 14 days after its first send, wherever it is.

/**
 * As many receives as SQS allows, for queues whose consumer gives back what it can't work off yet: an outage of anything it
 * needs may use up hundreds.
 */
export const WAITS_FOR_DAYS = 1_000;

const FOURTEEN_DAYS = 14 * 86_400;
/** 1 MiB, the largest that SQS takes. */
const LARGEST_MESSAGE = 1_048_576;

export interface WorkQueueArgs {
  readonly key: EncryptionKey;
  readonly region: string;
  /** Longest run of the consumer, in seconds, 1 to 900. @example { consumerSeconds: 30 } */
  readonly consumerSeconds: number;
  /** Receives before a message is dead, 1 to 1,000. @default 5 */
  readonly maxReceives?: number;
  /** Longest delay that messages are sent with, in seconds, 0 to 900. They wait for this delay on purpose. @default 0 */
  readonly longestDelaySeconds?: number;
  /** Refuse deletion: the queue holds accepted events. */
  readonly protect: boolean;
}

/** How fast a queue is worked off; Lambda's own scaling unless one of the two is given. */
export interface Scaling {
  /** Most invocations at once, 2 to 1,000. */
  readonly concurrency?: number | undefined;
  /** Pollers kept ready, each worth about ten invocations a second: no ramp-up, up to 20,000 invocations at once. */
  readonly pollers?: { readonly minimum: number; readonly maximum: number } | undefined;
}

/** AWS asks for six consumer runs of invisibility, so that retries of a throttled invocation don't overlap. */
export function normaliseQueue(args: Pick<WorkQueueArgs, "consumerSeconds" | "maxReceives">) {
  const { consumerSeconds, maxReceives = 5 } = args;
  if (!Number.isInteger(consumerSeconds) || consumerSeconds < 1 || consumerSeconds > 900)
    throw new RangeError(`consumerSeconds is ${consumerSeconds}, not a whole number from 1 to 900`);
  if (!Number.isInteger(maxReceives) || maxReceives < 1 || maxReceives > 1_000)
    throw new RangeError(`maxReceives is ${maxReceives}, not a whole number from 1 to 1000`);
  return { visibilityTimeoutSeconds: 6 * consumerSeconds, maxReceiveCount: maxReceives };
}

/** A standard queue and the dead-letter queue behind it, encrypted, TLS only. */
export class WorkQueue extends pulumi.ComponentResource {
  readonly queue: aws.sqs.Queue;
  readonly dead: aws.sqs.Queue;
  readonly longestDelaySeconds: number;
  private readonly args: WorkQueueArgs;

  constructor(name: string, args: WorkQueueArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:WorkQueue", name, {}, opts);
    const { visibilityTimeoutSeconds, maxReceiveCount } = normaliseQueue(args);
    const own = { parent: this, protect: args.protect };
    const common = {
      kmsMasterKeyId: args.key.arn,
      // One data key serves an hour: KMS is billed per call.
      kmsDataKeyReusePeriodSeconds: 3_600,
      messageRetentionSeconds: FOURTEEN_DAYS,
      maxMessageSize: LARGEST_MESSAGE,
    };
    this.dead = new aws.sqs.Queue(`${name}-dead`, common, own);
    const redrivePolicy = pulumi.jsonStringify({ deadLetterTargetArn: this.dead.arn, maxReceiveCount });
    this.queue = new aws.sqs.Queue(`${name}-queue`, { ...common, visibilityTimeoutSeconds, redrivePolicy }, own);
    new aws.sqs.RedriveAllowPolicy(
      `${name}-dead`,
      {
        queueUrl: this.dead.url,
        redriveAllowPolicy: pulumi.jsonStringify({ redrivePermission: "byQueue", sourceQueueArns: [this.queue.arn] }),
      },
      { parent: this },
    );
    for (const [suffix, queue] of [
      ["queue", this.queue],
      ["dead", this.dead],
    ] as const) {
      const policy = pulumi.jsonStringify({
        Version: "2012-10-17",
        Statement: [refusePlainText(["sqs:ReceiveMessage", "sqs:SendMessage"], [queue.arn])],
      });
      new aws.sqs.QueuePolicy(`${name}-${suffix}`, { queueUrl: queue.url, policy }, { parent: this });
    }
    this.args = args;
    this.longestDelaySeconds = args.longestDelaySeconds ?? 0;
    this.registerOutputs({ url: this.queue.url, arn: this.queue.arn });
  }

  /** Sending to the queue. */
  toSend(): Permission[] {
    return [
      { actions: ["sqs:SendMessage"], resources: [this.queue.arn] },
      this.args.key.toEncrypt("sqs", this.args.region),
    ];
  }

  /** Asking how many messages wait, and so whether the queue answers. */
  toSee(): Permission {
    return { actions: ["sqs:GetQueueAttributes"], resources: [this.queue.arn] };
  }

  /** Asking how many messages wait, and how many were given up. */
  toCount(): Permission {
    return { actions: ["sqs:GetQueueAttributes"], resources: [this.queue.arn, this.dead.arn] };
  }

  /** Taking messages off the queue, as an event source mapping does in its function's name. */
  toConsume(): Permission[] {
    return [
      {
        actions: ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
        resources: [this.queue.arn],
      },
      this.args.key.toDecrypt("sqs", this.args.region),
    ];
  }

  /** Giving messages back: those that have to wait come again later, damaged ones go to the dead-letter queue. */
  toGiveBack(): Permission[] {
    return [
      { actions: ["sqs:SendMessage"], resources: [this.dead.arn] },
      this.args.key.toEncrypt("sqs", this.args.region),
    ];
  }

  /**
   * Has a function work the queue off, ten messages at a time. More than ten would force AWS to wait for at least a
   * second before each invocation, so the hot queues carry more events a message instead.
   *
   * A function that also sends to the queue (retries, the next step of a job) is allowed to: Lambda takes a chain of 16 such
   * invocations for a runaway loop otherwise, and breaks it off. Source: "Recursive loop detection", AWS Lambda guide.
   */
  feed<V extends Readonly<Record<string, string>>>(name: string, handler: Handler<V>, scaling: Scaling = {}): void {
    const { concurrency, pollers } = scaling;
    new aws.lambda.EventSourceMapping(
      name,
      {
        eventSourceArn: this.queue.arn,
        functionName: handler.target.arn,
        batchSize: 10,
        functionResponseTypes: ["ReportBatchItemFailures"],
        ...defined({
          scalingConfig: mapDefined(concurrency, (concurrency) => ({ maximumConcurrency: concurrency })),
          provisionedPollerConfig: mapDefined(pollers, (pollers) => ({
            minimumPollers: pollers.minimum,
            maximumPollers: pollers.maximum,
          })),
        }),
      },
      { parent: this },
    );
    if (handler.mayDo("sqs:SendMessage", this.queue.arn)) {
      new aws.lambda.FunctionRecursionConfig(
        name,
        { functionName: handler.function.name, recursiveLoop: "Allow" },
        { parent: this },
      );
    }
  }
}
