import { randomUUID } from "node:crypto";
import { defined } from "../../runtime/domain/defined.ts";
import type { Clock } from "../clock.ts";
import { ServiceError } from "../service.ts";
import type { Queue } from "./queue.ts";
import { invalid, missing, within } from "./rules.ts";

/**
 * Moving messages out of dead-letter queues, back to where they came from or elsewhere. A task is known while the platform
 * runs: what a kill leaves behind is moved by another one. Source: SQS API reference, StartMessageMoveTask and its siblings.
 */
type Status = "RUNNING" | "COMPLETED" | "CANCELLED" | "FAILED";

interface Task {
  readonly handle: string;
  readonly source: string;
  readonly destination: string | undefined;
  readonly rate: number | undefined;
  readonly startedAt: number;
  readonly toMove: number;
  moved: number;
  status: Status;
  failure?: string;
}

const MAX_RATE = 500;
const LISTED = 10;
const STEP_MS = 1_000;

const noSuch = (what: string): ServiceError => new ServiceError("ResourceNotFoundException", what);
const ARN = /^arn:[^:]+:sqs:[^:]*:[^:]*:[^:]+$/;

export class MoveTasks {
  readonly #queues: ReadonlyMap<string, Queue>;
  readonly #clock: Clock;
  /** The latest last. */
  #tasks: Task[] = [];
  #closed = false;

  constructor(queues: ReadonlyMap<string, Queue>, clock: Clock) {
    this.#queues = queues;
    this.#clock = clock;
  }

  /** ARNs that the call reads from and those it writes to. @throws ServiceError as the call itself */
  reach(action: string, args: Readonly<Record<string, unknown>>): { source: string; destinations: readonly string[] } {
    if (action === "CancelMessageMoveTask") return { source: this.#taskOf(args.TaskHandle).source, destinations: [] };
    const source = this.#sourceOf(args.SourceArn).settings.arn;
    if (action === "ListMessageMoveTasks") return { source, destinations: [] };
    const given = args.DestinationArn as string | undefined;
    return { source, destinations: given === undefined ? this.#feeding(source) : [given] };
  }

  start(args: Readonly<Record<string, unknown>>): object {
    const source = this.#sourceOf(args.SourceArn);
    const { arn } = source.settings;
    const rate =
      args.MaxNumberOfMessagesPerSecond === undefined
        ? undefined
        : within("MaxNumberOfMessagesPerSecond", args.MaxNumberOfMessagesPerSecond, 1, MAX_RATE);
    const destination = args.DestinationArn as string | undefined;
    if (destination !== undefined && !this.#queues.has(destination))
      throw noSuch("The resource that you specified for the DestinationArn parameter doesn't exist.");
    if (this.#feeding(arn).length === 0) throw invalid("Source queue must be configured as a Dead Letter Queue.");
    if (this.#tasks.some((task) => task.source === arn && task.status === "RUNNING"))
      throw new ServiceError(
        "AWS.SimpleQueueService.UnsupportedOperation",
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
      );
    const { ready, delayed, flight } = source.counts();
    const task: Task = {
      handle: Buffer.from(JSON.stringify({ taskId: randomUUID(), sourceArn: arn })).toString("base64"),
      source: arn,
      destination,
      rate,
      startedAt: this.#clock.now(),
      toMove: ready + delayed + flight,
      moved: 0,
      status: "RUNNING",
    };
    this.#tasks.push(task);
    this.#step(task);
    return { TaskHandle: task.handle };
  }

  list(args: Readonly<Record<string, unknown>>): object {
    const { arn } = this.#sourceOf(args.SourceArn).settings;
    const max = args.MaxResults === undefined ? 1 : within("MaxResults", args.MaxResults, 1, LISTED);
    const own = this.#tasks.filter(({ source }) => source === arn).slice(-max);
    return { Results: own.reverse().map(described) };
  }

  cancel(args: Readonly<Record<string, unknown>>): object {
    const task = this.#taskOf(args.TaskHandle);
    if (task.status !== "RUNNING") throw noSuch("Task does not exist.");
    task.status = "CANCELLED";
    return { ApproximateNumberOfMessagesMoved: task.moved };
  }

  close(): void {
    this.#closed = true;
  }

  #step(task: Task): void {
    if (task.status !== "RUNNING" || this.#closed) return;
    const source = this.#queues.get(task.source)!;
    const target = (from: string | undefined) => this.#queues.get(task.destination ?? from ?? "");
    const { moved, homeless } = source.move(target, task.rate ?? MAX_RATE);
    task.moved += moved;
    if (homeless) {
      task.status = "FAILED";
      task.failure = "CouldNotDetermineMessageSource";
    } else if (source.counts().ready === 0) task.status = "COMPLETED";
    else this.#clock.at(this.#clock.now() + STEP_MS, () => this.#step(task));
    // The latest of each queue are listed; older ones are forgotten.
    const own = this.#tasks.filter(({ source }) => source === task.source);
    const old = new Set(own.slice(0, -LISTED));
    this.#tasks = this.#tasks.filter((one) => !old.has(one));
  }

  /** Queues whose dead letters go to this one. */
  #feeding(arn: string): string[] {
    return [...this.#queues.values()]
      .filter(({ settings }) => settings.redrive?.target === arn)
      .map(({ settings }) => settings.arn);
  }

  #sourceOf(arn: unknown): Queue {
    if (arn === undefined || arn === null) throw missing("SourceArn");
    if (typeof arn !== "string" || !ARN.test(arn))
      throw invalid(
        "You must use this format to specify the SourceArn: arn:<partition>:<service>:<region>:<account-id>:<resource-id>",
      );
    const queue = this.#queues.get(arn);
    if (queue === undefined) throw noSuch("The resource that you specified for the SourceArn parameter doesn't exist.");
    return queue;
  }

  #taskOf(handle: unknown): Task {
    if (handle === undefined || handle === null) throw missing("TaskHandle");
    try {
      JSON.parse(Buffer.from(String(handle), "base64").toString());
    } catch {
      throw invalid("Value for parameter TaskHandle is invalid.");
    }
    const task = this.#tasks.find((one) => one.handle === handle);
    if (task === undefined) throw noSuch("Task does not exist.");
    return task;
  }
}

const described = ({ handle, source, destination, rate, startedAt, toMove, moved, status, failure }: Task): object => ({
  ...(status === "RUNNING" ? { TaskHandle: handle } : {}),
  Status: status,
  SourceArn: source,
  ...defined({ DestinationArn: destination, MaxNumberOfMessagesPerSecond: rate }),
  ApproximateNumberOfMessagesMoved: moved,
  ApproximateNumberOfMessagesToMove: toMove,
  ...defined({ FailureReason: failure }),
  StartedTimestamp: startedAt,
});
