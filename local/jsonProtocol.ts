import { type ApiAnswer, type ApiCall, ServiceError } from "./service.ts";

/** What the services with an AWS JSON protocol share: the action in `x-amz-target`, one parse of the body, errors by `__type`. */
export interface JsonCall {
  readonly action: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** A body's members. @param code of the refusal @throws ServiceError where it is no JSON object */
export function objectIn(body: Buffer, code = "SerializationException"): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw new ServiceError(code, `The request body is not JSON: ${String(cause)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ServiceError(code, "The request body is no JSON object.");
  return value as Readonly<Record<string, unknown>>;
}

const parsed = new WeakMap<ApiCall, JsonCall>();

/** Parses once however often it is asked. @throws ServiceError `SerializationException` */
export function readJsonCall(call: ApiCall): JsonCall {
  const known = parsed.get(call);
  if (known !== undefined) return known;
  const target = call.headers["x-amz-target"] ?? "";
  const args = call.body.length === 0 ? {} : objectIn(call.body);
  const read = { action: target.slice(target.lastIndexOf(".") + 1), args };
  parsed.set(call, read);
  return read;
}

/** The refusal of an action that is not answered here. */
export const unknownAction = (service: string, action: string): ServiceError =>
  new ServiceError("UnknownOperationException", `The local platform does not answer ${service}:${action}.`);

export const jsonAnswer = (value: unknown, version = "1.1"): ApiAnswer => ({
  status: 200,
  headers: { "content-type": `application/x-amz-json-${version}` },
  body: JSON.stringify(value),
});

/** A refusal as the JSON protocols carry it; anything but a `ServiceError` is passed on. */
export function jsonRefusal(thrown: unknown, version = "1.1"): ApiAnswer {
  if (!(thrown instanceof ServiceError)) throw thrown;
  return {
    status: thrown.status,
    headers: { "content-type": `application/x-amz-json-${version}`, "x-amzn-errortype": thrown.code },
    body: JSON.stringify({ __type: thrown.code, message: thrown.message, Message: thrown.message }),
  };
}
