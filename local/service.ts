import type { SQSRecord } from "aws-lambda";
import type { Account } from "./account.ts";
import type { Metrics } from "./cloudwatch/metrics.ts";

/**
 * The seam of the local platform. A service stands in for one AWS service: it creates that service's resources when the
 * program declares them, and answers the SDK calls that functions make. It knows AWS's types, never our components.
 */

/** Inputs as the program declared them, all outputs resolved. */
export type Inputs = Readonly<Record<string, unknown>>;

export interface ResourceRequest {
  /** Pulumi type token, `aws:sqs/queue:Queue`. */
  readonly type: string;
  /** Logical name in the program: stable, so state is found again at the next start. */
  readonly name: string;
  readonly inputs: Inputs;
}

/** What the provider would answer: the physical id and every output that the program may read. */
export interface Created {
  readonly id: string;
  readonly state: Record<string, unknown>;
}

/** One SDK call, after the gateway has read who makes it. */
export interface ApiCall {
  /** As in the SigV4 scope: `sqs`, `dynamodb`, `s3`, `firehose`, `secretsmanager`, `lambda`, `kms`. */
  readonly service: string;
  readonly region: string;
  /** Role whose signature the call has. */
  readonly caller?: string;
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

/**
 * Takes a signed call, and checks signature and permission before a service sees it. Never rejects: a refusal is an answer.
 * @returns undefined where there is only silence, from a region that is cut off
 */
export type TakeCall = (call: Pick<ApiCall, "method" | "url" | "headers" | "body">) => Promise<ApiAnswer | undefined>;

/** What an IAM policy decides upon: `sqs:SendMessage` on these ARNs. */
export interface Authorization {
  readonly action: string;
  readonly resources: readonly string[];
  /** Condition keys in lower case, `dynamodb:leadingkeys`. */
  readonly context?: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface LocalService {
  /** Pulumi types this service creates. An argument that changes behaviour and isn't supported must throw, naming it. */
  readonly resources: Readonly<Record<string, (request: ResourceRequest) => Promise<Created>>>;
  /** SDK services answered here, by SigV4 scope name. */
  readonly api?: {
    readonly name: string;
    /** Which permissions the call needs; asked before `call`. @throws ServiceError for an action it does not know */
    authorizations(call: ApiCall): readonly Authorization[];
    call(call: ApiCall): Promise<ApiAnswer>;
  };
  /** Called once, when the whole program has been created: pollers and timers begin here. */
  start?(): Promise<void>;
  /** Leaves no deleted bytes on the disk, as the real services do in time: only live data stays. */
  scrub?(): Promise<void>;
  /** Finishes the work in progress, writes the state, and frees all resources. */
  close(): Promise<void>;
}

/**
 * How an event source mapping reads a queue, without a network: the rules of the queue (visibility timeout, redrive
 * policy, delay) hold as they do for the SDK's calls.
 */
export interface QueueSource {
  /** Up to `max` messages in the shape of a Lambda SQS event record; waits up to `waitMs` for the first one. */
  receive(queueArn: string, max: number, waitMs: number): Promise<QueueTake>;
  delete(queueArn: string, receiptHandles: readonly string[]): Promise<void>;
  /** Makes messages visible again at once: they were received but no function saw them. */
  release(queueArn: string, receiptHandles: readonly string[]): Promise<void>;
}

export interface QueueTake {
  readonly records: SQSRecord[];
  /** How long the one that waited longest could have been received before, milliseconds. */
  readonly waitedMs: number;
  /** Messages that still wait. */
  readonly waiting: number;
}

/** How a schedule or another service starts a function: asynchronously, with Lambda's retries. */
export type InvokeFunction = (functionArn: string, payload: unknown) => Promise<void>;

/** Common ground handed to every service. */
export interface LocalContext {
  /** Folder of the state, `$TRIGGERS_STATE`. */
  readonly state: string;
  readonly accountId: string;
  readonly region: string;
  /** Ports on which this machine's platform listens, but for its webhook receiver's: they come one by one. */
  readonly ownPorts?: Set<number>;
  /** What is answered on this machine: the beginning of a URL, and what stands in its place. The distribution's comes when it listens. */
  readonly elsewhere?: Record<string, string>;
  /** Base URL of the gateway, known before any resource is created. */
  readonly endpoint: string;
  /** Hands a function's signed call to the gateway without a network between. @default functions call over HTTP */
  readonly take?: TakeCall;
  /** One line for the person watching. */
  log(line: string): void;
  /** Where stand-ins publish what CloudWatch would show. @default nowhere */
  readonly metrics?: Metrics;
  /** Quotas that hold stand-ins back. @default none do */
  readonly account?: Account;
  /** Whether what works off queues waits for what accepts, where processors are short. @default both are alike */
  readonly acceptFirst?: boolean;
}

/** A refusal with the real service's code: `AWS.SimpleQueueService.NonExistentQueue`. */
export class ServiceError extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = "ServiceError";
    this.code = code;
    this.status = status;
  }
}
