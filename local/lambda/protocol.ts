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
      /** The event as JSON. */
      readonly json: string;
      /** Milliseconds since the epoch. */
      readonly deadline: number;
    };

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
