import { clientsOver, hasFailed, invocationOf } from "../aws/clients.ts";
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
  const calls = signedCalls(settings);
  const { putObject, getSecret } = clientsOver(calls);
  return {
    async sendMessage(queueUrl, body, groupId) {
      const payload = { QueueUrl: queueUrl, MessageBody: body, MessageGroupId: groupId };
      await calls.json("sqs", "1.0", "AmazonSQS.SendMessage", JSON.stringify(payload));
    },
    async seeQueue(queueUrl) {
      const payload = { QueueUrl: queueUrl, AttributeNames: ["ApproximateNumberOfMessages"] };
      await calls.json("sqs", "1.0", "AmazonSQS.GetQueueAttributes", JSON.stringify(payload));
    },
    putObject,
    async invoke(functionName, payload) {
      const answer = await calls.perform(invocationOf(functionName, JSON.stringify(payload)));
      if (hasFailed(answer)) throw new AwsError(`${functionName} failed`, true);
      return JSON.parse(answer.body.toString("utf8"));
    },
    async getSecret(name) {
      const value = await getSecret(name);
      if (value === undefined) throw new AwsError(`the secret ${name} has no value`, false);
      return value;
    },
  };
}
