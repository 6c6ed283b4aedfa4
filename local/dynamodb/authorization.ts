import { readJsonCall } from "../jsonProtocol.ts";
import { type ApiCall, type Authorization, ServiceError } from "../service.ts";

/** Which permissions a DynamoDB call needs: one for each table it touches, on the index when it reads one. */
const single = new Set(["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "DescribeTable"]);
const batch = new Set(["BatchGetItem", "BatchWriteItem"]);

/** A table may be named by its ARN too. */
const nameOf = (table: string): string => table.replace(/^arn:aws:dynamodb:[^:]*:[^:]*:table\//, "");

/**
 * A text member of the call, found without parsing items: an attribute of an item always has an object for its value, and inside
 * a text the quotes would be escaped.
 */
function memberOf(call: ApiCall, member: string): string | undefined {
  const at = call.body.indexOf(`"${member}":"`);
  if (at >= 0) {
    const from = at + member.length + 4;
    return call.body.toString("utf8", from, call.body.indexOf(34, from));
  }
  // Some writers of JSON put a space there.
  if (!call.body.includes(`"${member}"`)) return undefined;
  const value = readJsonCall(call).args[member];
  return value === undefined ? undefined : String(value);
}

const BRACE = "{".charCodeAt(0);

/** @throws ServiceError `UnknownOperationException` for an action that is not answered here, `SerializationException` for a body that is no object */
export function authorizationsOf(call: ApiCall, accountId: string): readonly Authorization[] {
  const target = call.headers["x-amz-target"] ?? "";
  const name = target.slice(target.lastIndexOf(".") + 1);
  const action = `dynamodb:${name}`;
  // Not parsed here: calls are many, and large.
  if (call.body[0] !== BRACE) throw new ServiceError("SerializationException", "The request body is no JSON object.");
  const arn = (table: string) => `arn:aws:dynamodb:${call.region}:${accountId}:table/${nameOf(table)}`;
  if (name === "ListTables") return [{ action, resources: ["*"] }];
  if (single.has(name)) {
    const index = name === "Query" || name === "Scan" ? memberOf(call, "IndexName") : undefined;
    return [
      { action, resources: [arn(memberOf(call, "TableName") ?? "") + (index === undefined ? "" : `/index/${index}`)] },
    ];
  }
  if (!batch.has(name))
    throw new ServiceError("UnknownOperationException", `The local platform does not answer ${action}.`);
  return Object.keys((readJsonCall(call).args.RequestItems ?? {}) as object).map((table) => ({
    action,
    resources: [arn(table)],
  }));
}
