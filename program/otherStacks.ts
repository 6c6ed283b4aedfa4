/** What the stacks that a stack names would tell it: a program is judged without any of them being there. */
import type { EdgeOutputs, HomeOutputs, StandbyOutputs } from "../components/stack/otherStacks.ts";

const account = "123456789012";
const [home, other] = ["us-east-1", "us-west-2"] as const;
const arn = (service: string, rest: string, region: string = home) => `arn:aws:${service}:${region}:${account}:${rest}`;

const edge: EdgeOutputs = {
  region: home,
  keys_table: "keys-table",
  keys_table_arn: arn("dynamodb", "table/keys-table"),
  keys_table_key_arn: arn("kms", "key/keys-key"),
  pepper_arn: arn("secretsmanager", "secret:pepper-secret-a1b2c3"),
  pepper_key_arn: arn("kms", "key/pepper-key"),
  sign_in_arn: arn("secretsmanager", "secret:sign-in-secret-d4e5f6"),
  sign_in_key_arn: arn("kms", "key/sign-in-key"),
  failover_store: arn("cloudfront", "key-value-store/failover", ""),
  hosts: ["events.example.com", "d111111abcdef8.cloudfront.net"],
};

const homeRegion: HomeOutputs = {
  region: home,
  ingest: { url: `https://ingest.lambda-url.${home}.on.aws/`, function: "ingest", qualifier: "live" },
  api: { url: `https://api.lambda-url.${home}.on.aws/`, function: "api", qualifier: "live" },
  console: { url: `https://console.lambda-url.${home}.on.aws/`, function: "console", qualifier: "live" },
  live: `a1b2c3d4e5.execute-api.${home}.amazonaws.com`,
  ingest_arn: arn("lambda", "function:ingest:live"),
  subscriptions_arn: arn("lambda", "function:subscriptions:live"),
  queue_url: `https://sqs.${home}.amazonaws.com/${account}/home-ingest-queue`,
  queue_arn: arn("sqs", "home-ingest-queue"),
  queue_key_arn: arn("kms", "key/home-pipeline-key"),
  payload_bucket: "home-payloads-bucket",
  payload_bucket_arn: "arn:aws:s3:::home-payloads-bucket",
  payload_key_arn: arn("kms", "key/home-payloads-key"),
};

const standby: StandbyOutputs = {
  region: other,
  ingest: { url: `https://standby.lambda-url.${other}.on.aws/`, function: "ingest", qualifier: "live" },
};

/** The outputs of any stack that is named. */
export const toldByOtherStacks = { edge, home: homeRegion, standby };
