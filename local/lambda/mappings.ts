import type { Iam } from "../iam.ts";
import type { LocalContext, QueueSource } from "../service.ts";
import { requestsWait } from "./machine.ts";
import { type MappingSettings, QueueMapping } from "./mapping.ts";
import type { Entry } from "./registry.ts";

/** The event source mappings of the program: which function each queue feeds. */
interface Mapped {
  readonly mapping: QueueMapping;
  readonly enabled: boolean;
  readonly entry: Entry;
}

export class Mappings {
  readonly #mapped: Mapped[] = [];
  /** Names of functions that may send to a queue that feeds them. */
  readonly #loops = new Set<string>();
  readonly #context: LocalContext;
  readonly #iam: Iam;
  readonly #queues: QueueSource;
  readonly #onBatch: (functionName: string, records: number, failed: number, ms: number) => void;

  constructor(
    context: LocalContext,
    iam: Iam,
    queues: QueueSource,
    onBatch: (functionName: string, records: number, failed: number, ms: number) => void,
  ) {
    this.#context = context;
    this.#iam = iam;
    this.#queues = queues;
    this.#onBatch = onBatch;
  }

  add(entry: Entry, settings: MappingSettings, enabled: boolean): void {
    const { name } = entry.settings;
    const mapping = new QueueMapping(settings, {
      source: this.#queues,
      invoke: (records) => entry.lambda.invoke({ event: { Records: records } }),
      report: (records, failed, ms) => this.#onBatch(name, records, failed, ms),
      failed: (cause) => this.#context.log(`${name}: the mapping of ${settings.queueArn} stopped: ${String(cause)}`),
      yields: () => this.#context.acceptFirst === true && requestsWait(),
      account: this.#context.account,
    });
    this.#mapped.push({ mapping, enabled, entry });
  }

  /** The functions that queues feed. */
  functions(): readonly Entry[] {
    return this.#mapped.map(({ entry }) => entry);
  }

  allowLoop(functionName: string): void {
    this.#loops.add(functionName);
  }

  /** @throws Error naming a permission that a function's role lacks to read its queue, or a loop that AWS would stop */
  start(): void {
    for (const { mapping, enabled, entry } of this.#mapped) {
      const actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
      const needed = actions.map((action) => ({ action, resources: [mapping.settings.queueArn] }));
      const refusal = this.#iam.refusal(entry.settings.role, needed);
      if (refusal !== undefined) {
        throw new Error(
          `the mapping of ${refusal.resource} to ${entry.settings.name}: the role ${refusal.role} lacks ${refusal.action} on ${refusal.resource}`,
        );
      }
      this.#checkLoop(entry, mapping.settings.queueArn);
      if (enabled) mapping.start();
    }
  }

  /**
   * Lambda ends a chain of 16 invocations in which a function and its queue invoke each other, unless the function is
   * configured to allow such a chain. Here a program that could run into that is refused at the start.
   */
  #checkLoop({ settings }: Entry, queueArn: string): void {
    if (this.#iam.may(settings.role, "sqs:SendMessage", queueArn) && !this.#loops.has(settings.name)) {
      throw new Error(
        `the function ${settings.name} may send to ${queueArn}, which feeds it: AWS would stop it after 16 such invocations ` +
          `in a chain. Declare a FunctionRecursionConfig with recursiveLoop "Allow", or take the permission away.`,
      );
    }
  }

  /** Stops the mappings of a region, or starts them again. */
  async cutOff(region: string, off: boolean): Promise<void> {
    const here = this.#mapped.filter(({ enabled, entry }) => enabled && entry.settings.region === region);
    if (off) await Promise.all(here.map(({ mapping }) => mapping.stop()));
    else for (const { mapping } of here) mapping.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#mapped.filter(({ enabled }) => enabled).map(({ mapping }) => mapping.stop()));
  }
}
