import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { JsonFile } from "../jsonFile.ts";
import { scheduleKeyUse } from "../keyUse.ts";
import type { Authorization, InvokeFunction, LocalContext } from "../service.ts";
import { readSchedule, type Schedule } from "./expression.ts";

/** Schedules that start functions when they are due. When each ran last is kept, so a run that came due while the platform was off is made up for. */

export interface SchedulePorts {
  readonly invoke: InvokeFunction;
  /** What of these the role may not do, if anything; AWS asks when it starts the target. */
  refused(roleArn: string, authorizations: readonly Authorization[]): Refused | undefined;
  readonly clock: Clock;
}

/** What a role may not do. */
export interface Refused {
  readonly action: string;
  readonly resource: string;
}

export interface Target {
  readonly arn: string;
  /** Key that the input is encrypted with; undefined for AWS's own. */
  readonly key?: string | undefined;
  readonly roleArn?: string | undefined;
  /** JSON text, or undefined for the event that AWS makes. */
  readonly input?: string | undefined;
}

export interface Entry {
  readonly name: string;
  readonly arn: string;
  readonly expression: string;
  schedule: Schedule;
  readonly targets: Target[];
  readonly timezone: string | undefined;
  enabled: boolean;
  next?: number | undefined;
  cancel?(): void;
}

/** What is declared of a schedule, but for its targets. */
export interface DeclaredSchedule {
  readonly name: string;
  readonly arn: string;
  readonly expression: string;
  readonly timezone?: string | undefined;
  readonly enabled: boolean;
}

const scheduleOf = ({ enabled, expression, timezone }: Omit<DeclaredSchedule, "name" | "arn">): Schedule =>
  enabled ? readSchedule(expression, timezone) : { next: () => undefined };

export class Schedules {
  readonly #context: LocalContext;
  readonly #ports: SchedulePorts;
  /** When each ran last, by ARN; milliseconds. */
  readonly #file: JsonFile<Record<string, number>>;
  readonly #entries = new Map<string, Entry>();
  #started = false;

  constructor(context: LocalContext, ports: SchedulePorts) {
    this.#context = context;
    this.#ports = ports;
    this.#file = new JsonFile<Record<string, number>>(join(context.state, "schedules.json"), {});
  }

  add(declared: DeclaredSchedule): Entry {
    const { timezone, ...rest } = declared;
    const entry: Entry = { ...rest, timezone, schedule: scheduleOf(declared), targets: [] };
    this.#entries.set(entry.arn, entry);
    return entry;
  }

  get(arn: string): Entry | undefined {
    return this.#entries.get(arn);
  }

  all(): readonly Entry[] {
    return [...this.#entries.values()];
  }

  /** Lets a schedule run from now on, or no longer. */
  enable(entry: Entry, enabled: boolean): void {
    entry.enabled = enabled;
    entry.schedule = scheduleOf(entry);
    this.#plan(entry);
  }

  start(): void {
    this.#started = true;
    for (const entry of this.#entries.values()) this.#plan(entry);
  }

  stop(): void {
    this.#started = false;
    for (const { cancel } of this.#entries.values()) cancel?.();
  }

  #plan(entry: Entry): void {
    entry.cancel?.();
    entry.next = entry.schedule.next(this.#ports.clock.now(), this.#file.value[entry.arn]);
    if (this.#started && entry.next !== undefined)
      entry.cancel = this.#ports.clock.at(entry.next, () => void this.#run(entry));
  }

  async #run(entry: Entry): Promise<void> {
    const at = entry.next ?? this.#ports.clock.now();
    // A timer has a longest delay, so it may ring before the time of the run.
    if (this.#ports.clock.now() >= at) {
      this.#file.value[entry.arn] = at;
      try {
        this.#file.save();
      } catch (cause) {
        // It runs all the same; a restart may run it once more.
        this.#context.log(`schedule ${entry.name}: its run can't be written down: ${(cause as Error).message}`);
      }
      await Promise.all(entry.targets.map((target) => this.#startTarget(entry, target, at)));
    }
    if (this.#started) this.#plan(entry);
  }

  async #startTarget({ name, arn }: Entry, target: Target, at: number): Promise<void> {
    const { roleArn } = target;
    const refusal =
      roleArn === undefined
        ? undefined
        : this.#ports.refused(roleArn, [
            ...scheduleKeyUse(target.key, arn),
            { action: "lambda:InvokeFunction", resources: [target.arn] },
          ]);
    // Source: EventBridge Scheduler User Guide, "Monitoring with Amazon CloudWatch".
    const group = /:schedule\/([^/]+)\//.exec(arn)?.[1];
    const publish = (metric: string, value: number) => {
      if (group !== undefined) this.#context.metrics?.record("AWS/Scheduler", metric, { ScheduleGroup: group }, value);
    };
    publish("InvocationAttemptCount", 1);
    publish("TargetErrorCount", refusal === undefined ? 0 : 1);
    publish("InvocationDroppedCount", refusal === undefined ? 0 : 1);
    if (refusal !== undefined) {
      this.#context.log(`schedule ${name}: ${roleArn} may not ${refusal.action} on ${refusal.resource}`);
      return;
    }
    const event = {
      version: "0",
      id: crypto.randomUUID(),
      "detail-type": "Scheduled Event",
      source: "aws.events",
      account: this.#context.accountId,
      time: new Date(at).toISOString().replace(/\.\d+Z$/, "Z"),
      region: this.#context.region,
      resources: [arn],
      detail: {},
    };
    try {
      await this.#ports.invoke(target.arn, target.input === undefined ? event : JSON.parse(target.input));
    } catch (thrown) {
      this.#context.log(`schedule ${name}: ${String((thrown as Error).message)}`);
    }
  }
}
