import { createHash } from "node:crypto";
import { AwsError, type AwsSettings, signedCalls } from "../aws/signed.ts";

/** The five AWS calls of ingest. */
export interface Aws {
  /** Resolves once the message is durable. */
  sendMessage(queueUrl: string, body: string, groupId: string): Promise<void>;
  /** Resolves when the queue answers. */
  seeQueue(queueUrl: string): Promise<void>;
  putObject(bucket: string, key: string, bytes: Buffer): Promise<void>;
  /** The function's answer, parsed. */
  invoke(functionName: string, payload: unknown): Promise<unknown>;
  getSecret(name: string): Promise<string>;
}

export function connectAws(settings: AwsSettings): Aws {
  const { perform, json, objectPath } = signedCalls(settings);
  return {
    async sendMessage(queueUrl, body, groupId) {
      const payload = { QueueUrl: queueUrl, MessageBody: body, MessageGroupId: groupId };
      await json("sqs", "1.0", "AmazonSQS.SendMessage", payload);
    },
    async seeQueue(queueUrl) {
      const payload = { QueueUrl: queueUrl, AttributeNames: ["ApproximateNumberOfMessages"] };
      await json("sqs", "1.0", "AmazonSQS.GetQueueAttributes", payload);
    },
    async putObject(bucket, key, bytes) {
      const headers = {
        "content-type": "application/octet-stream",
        "x-amz-content-sha256": createHash("sha256").update(bytes).digest("hex"),
      };
      await perform({ service: "s3", bucket, method: "PUT", path: objectPath(bucket, key), headers, body: bytes });
    },
    async invoke(functionName, payload) {
      const { body, headers } = await perform({
        service: "lambda",
        method: "POST",
        path: `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(payload),
      });
      if (headers["x-amz-function-error"] !== undefined) throw new AwsError(`${functionName} failed`, true);
      return JSON.parse(body.toString("utf8"));
    },
    async getSecret(name) {
      const answer = await json("secretsmanager", "1.1", "secretsmanager.GetSecretValue", { SecretId: name });
      return (answer as { SecretString: string }).SecretString;
    },
  };
}
