/** What the platform and a function's thread say to each other. */
import type { CarriedAnswer, CarriedCall } from "../../runtime/aws/carrier.ts";

/** Handed to the thread when it starts. */
export interface ThreadData {
  /** URL of the module, without query. */
  readonly module: string;
  /** Name of the export, `handler`. */
  readonly exportName: string;
  readonly functionName: string;
  readonly version: string;
  readonly memoryMb: number;
  readonly logFile: string;
  /** Whether the thread waits for others where processors are short. */
  readonly background: boolean;
  /** Whether AWS calls that a function signs itself go to the gateway by message. */
  readonly carries: boolean;
}

/** Bytes travel as an array of their own: a view of a shared one would take all of that along. */
export type Portable<T extends { readonly body: string | Buffer }> = Omit<T, "body"> & {
  readonly body: string | Uint8Array<ArrayBuffer>;
};

/** @returns the message, and what it hands over instead of copying it */
export function portable<T extends { readonly body: string | Buffer }>(
  message: T,
): [message: Portable<T>, transfer: ArrayBuffer[]] {
  if (typeof message.body === "string") return [{ ...message, body: message.body }, []];
  const body = new Uint8Array(message.body);
  return [{ ...message, body }, [body.buffer]];
}

/**
 * Gathers what is said within one turn of the event loop into one message: on a busy machine a message costs both threads more than what it
 * carries.
 * @param post takes what was said, in order, and what it hands over instead of copying it
 */
export function gathered<T>(post: (said: readonly T[], transfer: ArrayBuffer[]) => void): {
  say(message: T, transfer?: readonly ArrayBuffer[]): void;
  /** Posts at once what has been gathered. */
  flush(): void;
} {
  let said: T[] = [];
  let handed: ArrayBuffer[] = [];
  const flush = () => {
    if (said.length === 0) return;
    const [messages, transfer] = [said, handed];
    said = [];
    handed = [];
    post(messages, transfer);
  };
  return {
    say(message, transfer = []) {
      if (said.length === 0) setImmediate(flush);
      said.push(message);
      handed.push(...transfer);
    },
    flush,
  };
}

export const bytesOf = (body: string | Uint8Array): Buffer =>
  typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);

export type ToThread =
  | { readonly kind: "open"; readonly environment: number }
  | { readonly kind: "close"; readonly environment: number }
  /** The environments end: what they do before that may take half a second, as in Lambda. */
  | { readonly kind: "end" }
  /** Of a call. Without one: silence. */
  | { readonly kind: "answer"; readonly call: number; readonly answer?: Portable<CarriedAnswer> }
  | {
      readonly kind: "invoke";
      readonly environment: number;
      readonly requestId: string;
      readonly arn: string;
      readonly event: EventText;
      /** Milliseconds since the epoch. */
      readonly deadline: number;
    };

/** An event as JSON, with its long texts beside it: JSON of a text within a text takes longer to write and to read than all the rest. */
export interface EventText {
  readonly json: string;
  /** In the order of their places, in which the JSON has empty texts. @default the JSON is whole */
  readonly texts?: readonly string[];
}

type Place = { readonly holder: Record<string, unknown>; readonly name: string };

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** Where an event may have a long text: the body of a request to a Function URL, of a message of a queue, of a request at the edge. */
function longTextsOf(event: unknown): Place[] {
  const places: Place[] = [];
  const look = (holder: unknown, name: string) => {
    if (isObject(holder) && typeof holder[name] === "string") places.push({ holder, name });
  };
  look(event, "body");
  const records = isObject(event) && Array.isArray(event.Records) ? event.Records : [];
  for (const record of records as ({ readonly cf?: { readonly request?: { readonly body?: unknown } } } | null)[]) {
    look(record, "body");
    look(record?.cf?.request?.body, "data");
  }
  return places;
}

/** What travels of an event. Its texts are taken out for the time of this call. */
export function eventText(event: unknown): EventText {
  const places = longTextsOf(event);
  const texts = places.map(({ holder, name }) => holder[name] as string);
  for (const { holder, name } of places) holder[name] = "";
  try {
    return { json: JSON.stringify(event), texts };
  } finally {
    places.forEach(({ holder, name }, i) => {
      holder[name] = texts[i];
    });
  }
}

/** The event that has travelled. */
export function eventOf({ json, texts }: EventText): unknown {
  const event: unknown = JSON.parse(json);
  if (texts !== undefined)
    longTextsOf(event).forEach(({ holder, name }, i) => {
      holder[name] = texts[i];
    });
  return event;
}

export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

/** The result as JSON; a text member `body` travels beside it, since it can be long. */
export interface ResultText {
  readonly json: string;
  readonly body?: string;
}

export type FromThread =
  | { readonly kind: "opened"; readonly environment: number; readonly error?: FunctionError }
  | { readonly kind: "result"; readonly environment: number; readonly result: ResultText }
  | { readonly kind: "error"; readonly environment: number; readonly error: FunctionError }
  | { readonly kind: "call"; readonly call: number; readonly request: Portable<CarriedCall> };
