import { createHash } from "node:crypto";
import { ServiceError } from "../service.ts";

/** Limits and refusals of SQS. Source: docs.aws.amazon.com/AWSSimpleQueueService, "Quotas" and the API reference. */
export const MAX_MESSAGE_BYTES = 1_048_576;
export const MAX_DELAY_SECONDS = 900;
export const MAX_VISIBILITY_SECONDS = 43_200;
export const MAX_WAIT_SECONDS = 20;
export const MAX_BATCH = 10;
const MAX_ATTRIBUTES = 10;
export const MAX_IN_FLIGHT = 120_000;
export const PURGE_INTERVAL_MS = 60_000;

export interface MessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string;
  /** Base64, as the JSON protocol carries it. */
  readonly BinaryValue?: string;
}
export type MessageAttributes = Readonly<Record<string, MessageAttribute>>;

/** Names in the JSON protocol where they differ from the code that the query protocol had. */
const jsonNames: Readonly<Record<string, string>> = {
  "AWS.SimpleQueueService.NonExistentQueue": "QueueDoesNotExist",
  InvalidParameterValue: "InvalidParameterValueException",
  MissingParameter: "MissingRequiredParameterException",
  UnknownOperation: "UnknownOperationException",
};

/** The `__type` of a refusal: `AWS.SimpleQueueService.EmptyBatchRequest` is `EmptyBatchRequest`. */
export const jsonName = (code: string): string => jsonNames[code] ?? code.replace("AWS.SimpleQueueService.", "");

export const invalid = (message: string): ServiceError => new ServiceError("InvalidParameterValue", message);
export const missing = (name: string): ServiceError =>
  new ServiceError("MissingParameter", `The request must contain the parameter ${name}.`);

// biome-ignore lint/suspicious/noControlCharactersInRegex: SQS's own list of what a message may hold
const FORBIDDEN = /[^\x09\x0A\x0D\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same for text without surrogates, ten times faster
const SUSPICIOUS = /[^\x09\x0A\x0D\x20-\uD7FF\uE000-\uFFFD]/;

/** @throws ServiceError `InvalidMessageContents` */
export function checkCharacters(body: string): void {
  if (SUSPICIOUS.test(body) && FORBIDDEN.test(body))
    throw new ServiceError(
      "InvalidMessageContents",
      "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
    );
}

/** A whole number within bounds. @throws ServiceError `InvalidParameterValue` */
export function within(name: string, value: unknown, low: number, high: number): number {
  const number = typeof value === "string" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isInteger(number) || number < low || number > high)
    throw invalid(
      `Value ${String(value)} for parameter ${name} is invalid. Reason: Must be between ${low} and ${high}, if provided.`,
    );
  return number;
}

/** Bytes that count towards the message limit. @throws ServiceError for a malformed attribute */
export function attributeBytes(attributes: MessageAttributes): number {
  const names = Object.keys(attributes);
  if (names.length > MAX_ATTRIBUTES)
    throw invalid(`Number of message attributes [${names.length}] exceeds the allowed maximum [${MAX_ATTRIBUTES}].`);
  let bytes = 0;
  for (const name of names) {
    const { DataType, StringValue, BinaryValue } = attributes[name]!;
    if (!/^[A-Za-z0-9_.-]{1,256}$/.test(name) || /^(aws|amazon)\./i.test(name) || /^\.|\.\.|\.$/.test(name))
      throw invalid(`The message attribute name '${name}' is invalid.`);
    if (!/^(String|Number|Binary)(\..+)?$/.test(DataType ?? ""))
      throw invalid(
        `The type of message attribute '${name}' is invalid. You must use only the following supported type prefixes: Binary, Number, String.`,
      );
    const value = DataType.startsWith("Binary") ? BinaryValue : StringValue;
    if (value === undefined || value === "")
      throw invalid(
        `The message attribute '${name}' must contain a non-empty message attribute value for message attribute type '${DataType}'.`,
      );
    if (DataType.startsWith("Number") && !Number.isFinite(Number(value)))
      throw invalid(`Can't cast the value of message attribute '${name}' to a number.`);
    bytes += Buffer.byteLength(name) + Buffer.byteLength(DataType);
    bytes += DataType.startsWith("Binary") ? Buffer.from(value, "base64").length : Buffer.byteLength(value);
  }
  return bytes;
}

/** MD5 of message attributes as SQS computes it: sorted by name, each part with its length in front. */
export function md5OfAttributes(attributes: MessageAttributes): string | undefined {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return undefined;
  const hash = createHash("md5");
  const put = (bytes: Buffer) => {
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of names) {
    const { DataType, StringValue, BinaryValue } = attributes[name]!;
    put(Buffer.from(name));
    put(Buffer.from(DataType));
    const binary = DataType.startsWith("Binary");
    hash.update(Buffer.from([binary ? 2 : 1]));
    put(binary ? Buffer.from(BinaryValue ?? "", "base64") : Buffer.from(StringValue ?? ""));
  }
  return hash.digest("hex");
}
