/** The receiver in a thread of its own, so that reading webhooks takes no time from the platform. */
import { parentPort, workerData } from "node:worker_threads";
import { startReceiverServer } from "./server.ts";

const server = await startReceiverServer((workerData as { port: number }).port);
parentPort?.postMessage({ port: server.port });
