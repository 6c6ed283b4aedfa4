import { type Clock, systemClock } from "./clock.ts";
import { list, onlySupports, optional, physicalName, regionOf, required } from "./declared.ts";
import { objectIn } from "./jsonProtocol.ts";
import { type Entry, type Refused, Schedules } from "./scheduler/schedules.ts";
import {
  type ApiAnswer,
  type ApiCall,
  type Authorization,
  type Created,
  type InvokeFunction,
  type LocalContext,
  type LocalService,
  type ResourceRequest,
  ServiceError,
} from "./service.ts";

/**
 * EventBridge Scheduler and scheduled EventBridge rules on one machine: they start Lambda functions. When a schedule ran last is kept,
 * so what came due while the platform was off runs once as it starts. Event patterns are refused.
 */
export interface ScheduledRun {
  readonly name: string;
  readonly expression: string;
  /** Milliseconds since the epoch; undefined when it never runs again. */
  readonly next: number | undefined;
}

export interface SchedulerService extends LocalService {
  /** What runs next, for the person watching. */
  upcoming(): readonly ScheduledRun[];
}

export interface SchedulerOptions {
  readonly invoke: InvokeFunction;
  /** What of these the role may not do, if anything; AWS asks when it starts the target. @default nothing */
  refused?(roleArn: string, authorizations: readonly Authorization[]): Refused | undefined;
  readonly clock?: Clock;
}

export function createScheduler(context: LocalContext, options: SchedulerOptions): SchedulerService {
  const { invoke, refused = () => undefined, clock = systemClock } = options;
  const schedules = new Schedules(context, { invoke, refused, clock });
  const rules = new Map<string, Entry>();

  async function createSchedule(request: ResourceRequest): Promise<Created> {
    const { inputs, type, name } = request;
    onlySupports(
      request,
      "name namePrefix description groupName scheduleExpression scheduleExpressionTimezone flexibleTimeWindow kmsKeyArn state target",
    );
    const window = list(inputs.flexibleTimeWindow)[0];
    if (window?.mode !== "OFF")
      throw new Error(`${type} "${name}": the local platform does not support a flexible time window`);
    const target = list(inputs.target)[0] ?? {};
    const physical = physicalName(request);
    const group = optional(inputs, "groupName", "string") ?? "default";
    const arn = `arn:aws:scheduler:${regionOf(request, context)}:${context.accountId}:schedule/${group}/${physical}`;
    const entry = schedules.add({
      name: physical,
      arn,
      expression: required(request, "scheduleExpression"),
      timezone: optional(inputs, "scheduleExpressionTimezone", "string"),
      enabled: inputs.state !== "DISABLED",
    });
    entry.targets.push({
      arn: lambdaOf(String(target.arn), request),
      key: optional(inputs, "kmsKeyArn", "string"),
      roleArn: optional(target, "roleArn", "string"),
      input: optional(target, "input", "string"),
    });
    return { id: `${group}/${physical}`, state: { ...inputs, name: physical, groupName: group, arn } };
  }

  async function createRule(request: ResourceRequest): Promise<Created> {
    onlySupports(request, "name namePrefix description scheduleExpression state roleArn eventBusName isEnabled");
    const physical = physicalName(request);
    const arn = `arn:aws:events:${regionOf(request, context)}:${context.accountId}:rule/${physical}`;
    const expression = required(request, "scheduleExpression");
    rules.set(
      physical,
      schedules.add({ name: physical, arn, expression, enabled: request.inputs.state !== "DISABLED" }),
    );
    return { id: physical, state: { ...request.inputs, name: physical, arn } };
  }

  async function createTarget(request: ResourceRequest): Promise<Created> {
    const { inputs, type, name } = request;
    onlySupports(request, "rule targetId arn input roleArn retryPolicy deadLetterConfig eventBusName");
    const rule = rules.get(String(inputs.rule));
    if (rule === undefined) throw new Error(`${type} "${name}": there is no rule "${String(inputs.rule)}"`);
    rule.targets.push({ arn: lambdaOf(String(inputs.arn), request), input: optional(inputs, "input", "string") });
    const targetId = optional(inputs, "targetId", "string") ?? name;
    return { id: `${rule.name}-${targetId}`, state: { ...inputs, targetId } };
  }

  /** Whether it runs is all that may be changed here by hand. */
  function update(entry: Entry, { body }: ApiCall): ApiAnswer {
    const { State, ScheduleExpression } = objectIn(body, "ValidationException");
    if (ScheduleExpression !== entry.expression)
      throw new ServiceError("ValidationException", "The local platform changes the State of a schedule alone.");
    schedules.enable(entry, State !== "DISABLED");
    return {
      status: 200,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ScheduleArn: entry.arn }),
    };
  }

  /** The schedule that a call of `GetSchedule` or `UpdateSchedule` names. @throws ServiceError for anything else */
  function scheduleIn({ method, url, region }: ApiCall): Entry {
    const { pathname, searchParams } = new URL(url, "http://scheduler");
    const name = /^\/schedules\/([^/]+)$/.exec(pathname)?.[1];
    if ((method !== "GET" && method !== "PUT") || name === undefined)
      throw new ServiceError(
        "UnknownOperationException",
        `The local platform does not answer ${method} ${pathname} of scheduler.`,
      );
    const group = searchParams.get("groupName") ?? "default";
    const arn = `arn:aws:scheduler:${region}:${context.accountId}:schedule/${group}/${decodeURIComponent(name)}`;
    const entry = schedules.get(arn);
    if (entry === undefined)
      throw new ServiceError("ResourceNotFoundException", `Schedule ${decodeURIComponent(name)} does not exist.`, 404);
    return entry;
  }

  return {
    resources: {
      "aws:scheduler/schedule:Schedule": createSchedule,
      "aws:scheduler/scheduleGroup:ScheduleGroup": async (request) => {
        const name = physicalName(request);
        return {
          id: name,
          state: {
            ...request.inputs,
            name,
            arn: `arn:aws:scheduler:${context.region}:${context.accountId}:schedule-group/${name}`,
          },
        };
      },
      "aws:cloudwatch/eventRule:EventRule": createRule,
      "aws:cloudwatch/eventTarget:EventTarget": createTarget,
    },
    api: {
      name: "scheduler",
      authorizations(call) {
        const { arn } = scheduleIn(call);
        return [{ action: `scheduler:${call.method === "PUT" ? "Update" : "Get"}Schedule`, resources: [arn] }];
      },
      async call(call) {
        const entry = scheduleIn(call);
        if (call.method === "PUT") return update(entry, call);
        const { arn, name, expression, targets, enabled } = entry;
        const [target] = targets;
        return {
          status: 200,
          headers: { "content-type": "application/json" },
          body: JSON.stringify({
            Arn: arn,
            Name: name,
            GroupName: arn.split("/")[1],
            ScheduleExpression: expression,
            State: enabled ? "ENABLED" : "DISABLED",
            FlexibleTimeWindow: { Mode: "OFF" },
            ...(target?.key === undefined ? {} : { KmsKeyArn: target.key }),
            Target: { Arn: target?.arn, RoleArn: target?.roleArn, Input: target?.input },
          }),
        };
      },
    },
    async start() {
      schedules.start();
    },
    upcoming: () => schedules.all().map(({ name, expression, next }) => ({ name, expression, next })),
    async close() {
      schedules.stop();
    },
  };
}

function lambdaOf(arn: string, { type, name }: ResourceRequest): string {
  if (!/^arn:aws:lambda:[^:]*:[^:]*:function:/.test(arn))
    throw new Error(`${type} "${name}": the local platform starts Lambda functions alone, not ${arn}`);
  return arn;
}
