import { Worker } from "node:worker_threads";
import { threadEnvironment } from "../cache.ts";
import { type ApiAnswer, type LocalContext, ServiceError } from "../service.ts";
import type { DynamoReply, DynamoTask, DynamoWorkerData } from "./worker.ts";

const HEADERS = { "content-type": "application/x-amz-json-1.0" };

type Task = DynamoTask extends infer T ? (T extends unknown ? Omit<T, "id"> : never) : never;

/** The thread that holds the tables. Once it has ended by a fault, every call is answered with an internal error. */
export class DynamoThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, (reply: DynamoReply) => void>();
  #last = 0;
  #stopped: string | undefined;

  /** @param file the SQLite database */
  constructor(context: LocalContext, file: string) {
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), {
      name: "dynamodb",
      workerData: {
        file,
        accountId: context.accountId,
        region: context.region,
        background: context.acceptFirst === true,
      } satisfies DynamoWorkerData,
      env: threadEnvironment(),
    });
    this.#worker.on("message", (replies: readonly DynamoReply[]) => {
      for (const reply of replies) {
        this.#waiting.get(reply.id)?.(reply);
        this.#waiting.delete(reply.id);
      }
    });
    this.#worker.on("error", (cause) => {
      context.log(`DynamoDB's stand-in has stopped: ${cause.stack ?? cause.message}`);
      this.#stopped = JSON.stringify({ __type: "InternalServerError", message: cause.message });
      for (const [id, answer] of this.#waiting) answer({ id, status: 500, body: this.#stopped });
      this.#waiting.clear();
    });
  }

  post(task: Task): Promise<DynamoReply> {
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve) => {
      if (this.#stopped !== undefined) {
        resolve({ id, status: 500, body: this.#stopped });
        return;
      }
      this.#waiting.set(id, resolve);
      this.#worker.postMessage({ id, ...task });
    });
  }

  async send(target: string, body: Uint8Array): Promise<ApiAnswer> {
    const reply = await this.post({ action: target.slice(target.lastIndexOf(".") + 1), body });
    const { status, body: answered } = reply;
    const bytes =
      typeof answered === "string" ? answered : Buffer.from(answered.buffer, answered.byteOffset, answered.byteLength);
    return { status, headers: HEADERS, body: bytes };
  }

  /** One call of the JSON protocol without HTTP or permissions. @throws ServiceError */
  async request(action: string, args: unknown): Promise<Record<string, unknown>> {
    const answer = await this.send(action, Buffer.from(JSON.stringify(args)));
    const value = JSON.parse(String(answer.body)) as Record<string, unknown>;
    if (answer.status === 200) return value;
    const code = String(value.__type).split("#").at(-1)!;
    throw new ServiceError(code, String(value.message ?? value.Message ?? code), answer.status);
  }
}
