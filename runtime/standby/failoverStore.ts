import {
  CloudFrontKeyValueStoreClient,
  DeleteKeyCommand,
  DescribeKeyValueStoreCommand,
  GetKeyCommand,
  PutKeyCommand,
} from "@aws-sdk/client-cloudfront-keyvaluestore";
// The store belongs to no region, so its calls are signed for all of them; the signer registers itself.
import "@smithy/signature-v4a";
import { defined, mapDefined } from "../domain/defined.ts";
import { type Takeover, takeoverIn } from "./watch.ts";

const KEY = "takeover";

export interface FailoverStore {
  /** The decision that is in force or was last; undefined when there is none. */
  read(): Promise<Takeover | undefined>;
  write(takeover: Takeover): Promise<void>;
  clear(): Promise<void>;
}

/** @param arn of the CloudFront KeyValueStore */
export function openFailoverStore(arn: string): FailoverStore {
  const { AWS_ENDPOINT_URL } = process.env;
  const endpoint = AWS_ENDPOINT_URL === undefined ? undefined : new URL(AWS_ENDPOINT_URL);
  const client = new CloudFrontKeyValueStoreClient({
    maxAttempts: 2,
    ...defined({ endpoint: mapDefined(endpoint, (endpoint) => `${endpoint.protocol}//localhost:${endpoint.port}`) }),
  });
  if (endpoint !== undefined) {
    // The client puts the account before the name of any host, and before an address it makes none: hence the detour.
    client.middlewareStack.add(
      (next) => (args) => {
        (args.request as { hostname: string }).hostname = endpoint.hostname;
        return next(args);
      },
      { step: "build", name: "oneEndpoint", priority: "low" },
    );
  }
  const version = async () => {
    const { ETag } = await client.send(new DescribeKeyValueStoreCommand({ KvsARN: arn }));
    return { KvsARN: arn, Key: KEY, IfMatch: ETag };
  };
  return {
    async read() {
      try {
        const { Value } = await client.send(new GetKeyCommand({ KvsARN: arn, Key: KEY }));
        return Value === undefined ? undefined : takeoverIn(Value);
      } catch (error) {
        if ((error as Error).name === "ResourceNotFoundException") return undefined;
        throw error;
      }
    },
    async write(takeover) {
      await client.send(new PutKeyCommand({ ...(await version()), Value: JSON.stringify(takeover) }));
    },
    async clear() {
      await client.send(new DeleteKeyCommand(await version()));
    },
  };
}
