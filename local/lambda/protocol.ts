/** What the platform and a function's thread say to each other. */

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
}

export type ToThread =
  | { readonly kind: "open"; readonly environment: number }
  | { readonly kind: "close"; readonly environment: number }
  /** The environments end: what they do before that may take half a second, as in Lambda. */
  | { readonly kind: "end" }
  | {
      readonly kind: "invoke";
      readonly environment: number;
      readonly requestId: string;
      readonly arn: string;
      /** The event: a value, or JSON text. */
      readonly event?: unknown;
      readonly json?: string;
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
  | { readonly kind: "error"; readonly environment: number; readonly error: FunctionError };
