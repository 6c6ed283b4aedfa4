/** Starts the built-in webhook receiver of `receiver/server.ts`. */
import { Worker } from "node:worker_threads";
import { threadEnvironment } from "../cache.ts";

export interface Receiver {
  /** `sink_url`: where webhooks may be sent; what came is at `<url>/requests`. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** @param port tried first, so that stored subscriptions reach it after a restart */
export async function startReceiver(port: number): Promise<Receiver> {
  const worker = new Worker(new URL("./receiver/thread.ts", import.meta.url), {
    name: "receiver",
    workerData: { port },
    env: threadEnvironment(),
  });
  const started = await new Promise<{ port: number }>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  return {
    url: `http://127.0.0.1:${started.port}`,
    port: started.port,
    close: async () => {
      await worker.terminate();
    },
  };
}
