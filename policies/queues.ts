import { at, listAt, type Props, type Resource, type Rule, refersTo, type Stack } from "./rule.ts";

/** Every message reaches its end, and one consumer at a time works on it. */

const intact = ["SOC 2 PI1.4"];
const queue = "aws:sqs/queue:Queue";
const mapping = "aws:lambda/eventSourceMapping:EventSourceMapping";

const redriveOf = ({ props }: Resource): Props | undefined =>
  typeof props.redrivePolicy === "string" ? (JSON.parse(props.redrivePolicy) as Props) : undefined;

/** Whether another queue sends its dead messages here. */
const isDeadLetterQueue = (subject: Resource, stack: Stack): boolean =>
  stack.of(queue).some((other) => other.urn !== subject.urn && refersTo(other, "redrivePolicy", subject));

/** The function that a mapping feeds, by its own name or by its alias. */
function functionBehind(subject: Resource, stack: Stack): Resource | undefined {
  const functions = stack.of("aws:lambda/function:Function");
  const alias = stack.of("aws:lambda/alias:Alias").find((one) => refersTo(subject, "functionName", one));
  return functions.find((one) =>
    alias === undefined ? refersTo(subject, "functionName", one) : refersTo(alias, "functionName", one),
  );
}

export const queues: readonly Rule[] = [
  {
    name: "queue-has-dead-letters",
    description: "A message whose work fails goes to a dead-letter queue, after three tries at least.",
    severity: "high",
    remedy: "Create queues through WorkQueue.",
    serves: intact,
    subjects: [queue],
    evidence: ["redrivePolicy"],
    wholeStack: true,
    check: (subject, stack) => {
      if (isDeadLetterQueue(subject, stack)) return undefined;
      const redrive = redriveOf(subject);
      if (redrive === undefined) return "the queue has no dead-letter queue";
      return Number(redrive.maxReceiveCount) >= 3
        ? undefined
        : `a message is given up after ${String(redrive.maxReceiveCount)} tries`;
    },
  },
  {
    name: "queue-keeps-fourteen-days",
    description: "Every queue keeps a message for the fourteen days that SQS allows.",
    severity: "high",
    remedy: "Set `messageRetentionSeconds: 1209600`.",
    serves: intact,
    subjects: [queue],
    evidence: ["messageRetentionSeconds"],
    check: ({ props }) =>
      props.messageRetentionSeconds === 1_209_600
        ? undefined
        : `a message is kept ${String(props.messageRetentionSeconds ?? 345_600)} seconds`,
  },
  {
    name: "dead-letters-of-own-queue",
    description: "A dead-letter queue takes messages of its own queue only.",
    severity: "low",
    remedy: "Create a RedriveAllowPolicy with `byQueue` and the queue's ARN.",
    serves: intact,
    subjects: ["aws:sqs/redriveAllowPolicy:RedriveAllowPolicy"],
    evidence: ["redriveAllowPolicy"],
    check: ({ props }) => {
      const policy = JSON.parse(String(props.redriveAllowPolicy)) as Props;
      return policy.redrivePermission === "byQueue" && listAt(policy, "sourceQueueArns").length === 1
        ? undefined
        : "any queue may send its dead messages here";
    },
  },
  {
    name: "visibility-covers-consumer",
    description: "A message stays hidden for six runs of the function that works on it.",
    severity: "high",
    remedy: "Raise the queue's `visibilityTimeoutSeconds` or lower the function's `timeout`.",
    serves: ["AWS Lambda Developer Guide, SQS event source", ...intact],
    subjects: [mapping],
    evidence: ["eventSourceArn", "functionName"],
    wholeStack: true,
    check: (subject, stack) => {
      const source = stack.of(queue).find((one) => refersTo(subject, "eventSourceArn", one));
      const consumer = functionBehind(subject, stack);
      if (source === undefined || consumer === undefined) return "queue or function is not of this stack";
      const [hidden, run] = [Number(source.props.visibilityTimeoutSeconds ?? 30), Number(consumer.props.timeout ?? 3)];
      return hidden >= 6 * run
        ? undefined
        : `${source.name} hides a message ${hidden} s, ${consumer.name} may run ${run} s`;
    },
  },
  {
    name: "mapping-reports-failures",
    description: "A function tells which messages of a batch failed, so that the others are not done twice.",
    severity: "high",
    remedy: 'Set `functionResponseTypes: ["ReportBatchItemFailures"]`.',
    serves: intact,
    subjects: [mapping],
    evidence: ["functionResponseTypes"],
    check: ({ props }) =>
      JSON.stringify(props.functionResponseTypes) === '["ReportBatchItemFailures"]'
        ? undefined
        : "one failed message has its whole batch done again",
  },
  {
    name: "source-has-failure-path",
    description: "Every event source has somewhere for events whose processing fails.",
    severity: "high",
    remedy: "Feed functions from queues with a dead-letter queue.",
    serves: intact,
    subjects: [mapping],
    evidence: ["eventSourceArn"],
    wholeStack: true,
    check: (subject, stack) => {
      const source = stack.of(queue).find((one) => refersTo(subject, "eventSourceArn", one));
      if (source !== undefined)
        return redriveOf(source) === undefined ? `${source.name} has no dead-letter queue` : undefined;
      return at(subject.props, "destinationConfig.onFailure") === undefined ? "failures go nowhere" : undefined;
    },
  },
  {
    name: "schedule-has-failure-path",
    description: "A run that could not be started leaves a message.",
    severity: "medium",
    remedy: "Set `target.deadLetterConfig`.",
    serves: intact,
    subjects: ["aws:scheduler/schedule:Schedule"],
    evidence: ["target.deadLetterConfig"],
    check: ({ props }) =>
      typeof at(props, "target.deadLetterConfig.arn") === "string"
        ? undefined
        : "a run that could not start is forgotten",
  },
];
