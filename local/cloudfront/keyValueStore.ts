/**
 * CloudFront KeyValueStore: a few settings that viewer functions read. Changes name the version that they change, as the
 * real service demands; here a change is visible at once, there within seconds.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { byName, own } from "../byName.ts";
import { onlySupports, physicalName } from "../declared.ts";
import { JsonFile } from "../jsonFile.ts";
import { objectIn } from "../jsonProtocol.ts";
import { type ApiAnswer, type ApiCall, type LocalContext, type LocalService, ServiceError } from "../service.ts";

/** Quotas: size of a key with its value, of a whole store, bytes ("Quotas on key value stores"). */
const PAIR_LIMIT = 1_024;
const KEY_LIMIT = 512;
const STORE_LIMIT = 5 * 1_024 * 1_024;

interface Store {
  etag: string;
  readonly created: number;
  modified: number;
  pairs: Record<string, string>;
}

/** What a viewer function gets for one of its stores. */
export type ReadPair = (key: string) => string | undefined;

export interface KeyValueStores extends Pick<LocalService, "resources" | "api"> {
  /** @throws Error when there is no such store */
  reader(arn: string): ReadPair;
}

const CALL = /^\/key-value-stores\/([^/?]+)(?:\/keys\/([^/?]+))?$/;
const actions: Readonly<Record<string, string>> = {
  GET: "DescribeKeyValueStore",
  "GET key": "GetKey",
  "PUT key": "PutKey",
  "DELETE key": "DeleteKey",
};

/** @throws ServiceError for what is not answered here */
function read({ method, url }: ApiCall): { action: string; arn: string; key: string } {
  const [, arn = "", key] = CALL.exec(url) ?? [];
  const action = own(actions, key === undefined ? method : `${method} key`);
  if (arn === "" || action === undefined)
    throw new ServiceError(
      "UnknownOperationException",
      `the local platform does not answer ${method} ${url} of CloudFront KeyValueStore`,
      404,
    );
  return { action, arn: decodeURIComponent(arn), key: decodeURIComponent(key ?? "") };
}

export function createKeyValueStores(context: LocalContext): KeyValueStores {
  const file = new JsonFile<Record<string, Store>>(join(context.state, "keyvaluestores.json"), {});
  // What a caller names, an ARN or a key, is looked up here.
  file.value = byName(file.value);
  for (const store of Object.values(file.value)) store.pairs = byName(store.pairs);

  function find(arn: string): Store {
    const store = file.value[arn];
    if (store === undefined) throw new ServiceError("ResourceNotFoundException", "Key value store not found.", 404);
    return store;
  }

  const sizeOf = ({ pairs }: Store): number =>
    Object.entries(pairs).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);

  function answer(store: Store, body: object = {}): ApiAnswer {
    const totals = { ItemCount: Object.keys(store.pairs).length, TotalSizeInBytes: sizeOf(store) };
    return {
      status: 200,
      headers: { "content-type": "application/json", etag: store.etag },
      body: JSON.stringify({ ...totals, ...body }),
    };
  }

  /** The store, for a change of the version that the caller names. */
  function change(call: ApiCall, arn: string): Store {
    const store = find(arn);
    const version = call.headers["if-match"];
    if (version === undefined) throw new ServiceError("ValidationException", "If-Match must be given.");
    if (version !== store.etag) throw new ServiceError("ConflictException", "The version is not the latest.", 409);
    store.etag = randomUUID();
    store.modified = Date.now();
    return store;
  }

  function put(call: ApiCall, arn: string, key: string): ApiAnswer {
    const { Value } = objectIn(call.body, "ValidationException");
    if (typeof Value !== "string") throw new ServiceError("ValidationException", "Value must be text.");
    const bytes = Buffer.byteLength(key) + Buffer.byteLength(Value);
    if (Buffer.byteLength(key) > KEY_LIMIT || bytes > PAIR_LIMIT)
      throw new ServiceError("ValidationException", `A key may have ${KEY_LIMIT} bytes, with its value ${PAIR_LIMIT}.`);
    if (sizeOf(find(arn)) + bytes > STORE_LIMIT)
      throw new ServiceError("ServiceQuotaExceededException", "The store is full.", 402);
    const store = change(call, arn);
    store.pairs[key] = Value;
    file.save();
    return answer(store);
  }

  return {
    reader(arn) {
      if (file.value[arn] === undefined) throw new Error(`there is no key value store ${arn}`);
      return (key) => file.value[arn]?.pairs[key];
    },
    resources: {
      "aws:cloudfront/keyValueStore:KeyValueStore": async (request) => {
        onlySupports(request, "name comment");
        const name = physicalName(request);
        if (!/^[A-Za-z0-9-_]{1,64}$/.test(name)) throw new Error(`"${name}" is not the name of a key value store`);
        const arn = `arn:aws:cloudfront::${context.accountId}:key-value-store/${name}`;
        const now = Date.now();
        file.value[arn] ??= { etag: randomUUID(), created: now, modified: now, pairs: byName() };
        file.save();
        return { id: name, state: { ...request.inputs, name, arn, etag: file.value[arn]?.etag } };
      },
    },
    api: {
      name: "cloudfront-keyvaluestore",
      authorizations(call) {
        const { action, arn } = read(call);
        return [{ action: `cloudfront-keyvaluestore:${action}`, resources: [arn] }];
      },
      async call(call) {
        const { action, arn, key } = read(call);
        if (action === "PutKey") return put(call, arn, key);
        if (action === "DeleteKey") {
          const store = change(call, arn);
          delete store.pairs[key];
          file.save();
          return answer(store);
        }
        const store = find(arn);
        if (action === "DescribeKeyValueStore")
          return answer(store, {
            KvsARN: arn,
            Created: store.created / 1_000,
            LastModified: store.modified / 1_000,
            Status: "READY",
          });
        const Value = store.pairs[key];
        if (Value === undefined) throw new ServiceError("ResourceNotFoundException", "Key not found.", 404);
        return answer(store, { Key: key, Value });
      },
    },
  };
}
