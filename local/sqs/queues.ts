import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { DurableFile } from "../durable.ts";
import { readOldJournal, sayDamage } from "../oldJournal.ts";
import { type LocalContext, ServiceError } from "../service.ts";
import { MessageStore, messagesOf, QUEUES, type Room } from "./messages.ts";
import { Queue, type QueueSettings } from "./queue.ts";

/** All queues of the platform, in memory and in the file `sqs/queues.sqlite`. */
const BODIES_IN_MEMORY = 128 * 1024 * 1024;
const RETENTION_CHECK_MS = 60_000;

export class Queues {
  readonly #byArn = new Map<string, Queue>();
  /** Customer-managed key by ARN of the queue. */
  readonly #keys = new Map<string, string | undefined>();
  readonly #room: Room = { left: BODIES_IN_MEMORY };
  readonly #file: DurableFile;
  readonly #context: LocalContext;
  readonly #clock: Clock;
  #stopExpiry: () => void;

  constructor(context: LocalContext, clock: Clock) {
    this.#context = context;
    this.#clock = clock;
    this.#file = new DurableFile(join(context.state, "sqs", "queues.sqlite"), QUEUES, {
      what: "the queues",
      withoutIt: "accepted events that were still on their way to inbox, archive and webhooks are lost",
      row: "messages and receives",
      log: context.log,
    });
    this.#stopExpiry = this.#expireLater();
  }

  get byArn(): ReadonlyMap<string, Queue> {
    return this.#byArn;
  }

  /** Why the queues can't be written at the moment; undefined while they can. */
  get failure(): Error | undefined {
    return this.#file.failure;
  }

  arnOf(region: string, name: string): string {
    return `arn:aws:sqs:${region}:${this.#context.accountId}:${name}`;
  }

  urlOf(name: string): string {
    return `${this.#context.endpoint}/${this.#context.accountId}/${name}`;
  }

  /** Customer-managed key of the queue with this ARN. */
  keyOf(arn: string): string | undefined {
    return this.#keys.get(arn);
  }

  /** The queue at a URL, as callers of a region see it. @throws ServiceError when there is no such queue */
  at(url: string, region: string): Queue {
    const [account, name] = url.split("/").slice(-2);
    const queue = account === this.#context.accountId ? this.#byArn.get(this.arnOf(region, name ?? "")) : undefined;
    if (queue === undefined)
      throw new ServiceError("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.");
    return queue;
  }

  /** URLs of the queues of a region whose names begin with the prefix, in the order of the names. */
  urls(region: string, prefix: string): string[] {
    return [...this.#byArn.values()]
      .filter(({ settings }) => settings.arn.split(":")[3] === region && settings.name.startsWith(prefix))
      .map(({ settings }) => settings.name)
      .sort()
      .map((name) => this.urlOf(name));
  }

  /** URLs of the queues whose dead-letter queue this is. */
  urlsDeadLetteringTo(dead: Queue): string[] {
    return [...this.#byArn.values()]
      .filter(({ settings }) => settings.redrive?.target === dead.settings.arn)
      .map(({ settings }) => this.urlOf(settings.name))
      .sort();
  }

  /** Opens a queue with the messages of the last run, or gives an open one its new settings. */
  declare(region: string, settings: QueueSettings, key: string | undefined): void {
    this.#keys.set(settings.arn, key);
    const known = this.#byArn.get(settings.arn);
    if (known === undefined) this.#publishMetrics(this.#open(region, settings));
    else known.settings = settings;
  }

  #open(region: string, settings: QueueSettings): Queue {
    const { log, state } = this.#context;
    const store = new MessageStore(this.#file, `${region}/${settings.name}`, this.#room, this.#clock.now() * 1000, log);
    const old = readOldJournal(join(state, "sqs", region, settings.name));
    if (old !== undefined) {
      store.takeOver(messagesOf(old));
      sayDamage(`queue ${settings.name}`, old, log);
      old.remove();
    }
    const queue = new Queue(settings, store, this.#clock, (arn) => this.#byArn.get(arn));
    this.#byArn.set(settings.arn, queue);
    return queue;
  }

  /** What CloudWatch shows of a queue. Source: SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS". */
  #publishMetrics(queue: Queue): void {
    const gauge = (metric: string, read: () => number) =>
      this.#context.metrics?.gauge("AWS/SQS", metric, { QueueName: queue.settings.name }, read);
    gauge("ApproximateNumberOfMessagesVisible", () => queue.counts().ready);
    gauge("ApproximateNumberOfMessagesNotVisible", () => queue.counts().flight);
    gauge("ApproximateNumberOfMessagesDelayed", () => queue.counts().delayed);
    gauge("ApproximateAgeOfOldestMessage", () => queue.oldestSeconds());
  }

  /** Logs how many messages the last run left in each queue, and how to put back those of dead-letter queues. */
  logWaiting(): void {
    const dead = new Set([...this.#byArn.values()].map(({ settings }) => settings.redrive?.target));
    for (const [arn, queue] of this.#byArn) {
      const { ready, delayed } = queue.counts();
      const { name } = queue.settings;
      const messages = `${ready + delayed} ${ready + delayed === 1 ? "message" : "messages"}`;
      if (ready + delayed === 0) continue;
      const { log } = this.#context;
      if (dead.has(arn)) log(`queue ${name}: ${messages} given up, put back by "npm run redrive -- ${name}"`);
      else log(`queue ${name}: ${messages} from the last run`);
    }
  }

  /** @returns what ends the expiry of old messages */
  #expireLater(): () => void {
    return this.#clock.at(this.#clock.now() + RETENTION_CHECK_MS, () => {
      for (const queue of this.#byArn.values()) queue.expire();
      this.#stopExpiry = this.#expireLater();
    });
  }

  /** Removes deleted messages from the disk. */
  scrub(): void {
    this.#file.scrub();
  }

  close(): void {
    this.#stopExpiry();
    for (const queue of this.#byArn.values()) queue.close();
    this.#file.close();
  }
}
