import { type JsonCall, readJsonCall } from "../jsonProtocol.ts";
import { type ApiCall, type Authorization, ServiceError } from "../service.ts";

/** Which permissions a DynamoDB call needs: one for each table it touches, on the index when it reads one. */
const single = new Set([
  "GetItem",
  "PutItem",
  "UpdateItem",
  "DeleteItem",
  "Query",
  "Scan",
  "DescribeTable",
  "DescribeTimeToLive",
]);
const batch = new Set(["BatchGetItem", "BatchWriteItem"]);

type Requests = Readonly<Record<string, unknown>>;

/** A table may be named by its ARN too. */
const nameOf = (table: unknown): string => String(table).replace(/^arn:aws:dynamodb:[^:]*:[^:]*:table\//, "");

/** Tables that the call names. */
export function tableNames({ action, args }: JsonCall): readonly string[] {
  if (batch.has(action)) return Object.keys((args.RequestItems ?? {}) as Requests).map(nameOf);
  return args.TableName === undefined ? [] : [nameOf(args.TableName)];
}

/** @throws ServiceError `UnknownOperationException` for an action that is not answered here */
export function authorizationsOf(call: ApiCall, accountId: string): readonly Authorization[] {
  const read = readJsonCall(call);
  const { action, args } = read;
  if (action === "ListTables") return [{ action: "dynamodb:ListTables", resources: ["*"] }];
  if (!single.has(action) && !batch.has(action))
    throw new ServiceError("UnknownOperationException", `The local platform does not answer dynamodb:${action}.`);
  const index = args.IndexName === undefined ? "" : `/index/${String(args.IndexName)}`;
  return tableNames(read).map((name) => ({
    action: `dynamodb:${action}`,
    resources: [`arn:aws:dynamodb:${call.region}:${accountId}:table/${name}${index}`],
  }));
}
