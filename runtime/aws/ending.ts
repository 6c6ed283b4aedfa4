import { request } from "node:http";

/**
 * What an execution environment does before it ends. Lambda tells a runtime of its end, by SIGTERM and with half a second to
 * go, only where an extension is registered; one within the runtime that asks for no events will do.
 * Source: AWS Lambda guide, "Understanding the Lambda execution environment lifecycle" and "Using the Lambda Extensions API".
 */
const API = "/2020-01-01/extension";
const NAME = "ending";
const ID_HEADER = "lambda-extension-identifier";

let registered = false;

/** @param run must not take longer than half a second */
export function beforeEnding(run: () => Promise<unknown>): void {
  const ending = () => {
    run()
      .catch(() => undefined)
      .finally(() => {
        process.off("SIGTERM", ending);
        if (process.listenerCount("SIGTERM") === 0) process.exit(0);
      });
  };
  process.on("SIGTERM", ending);
  const { AWS_LAMBDA_RUNTIME_API } = process.env;
  if (AWS_LAMBDA_RUNTIME_API === undefined || registered) return;
  registered = true;
  register(`http://${AWS_LAMBDA_RUNTIME_API}${API}`);
}

/** Registers while the environment is made, and then waits for an event that never comes. */
function register(base: string): void {
  const headers = { "lambda-extension-name": NAME, "content-type": "application/json" };
  request(`${base}/register`, { method: "POST", headers }, (answer) => {
    answer.resume();
    const id = answer.headers[ID_HEADER];
    if (typeof id !== "string") return;
    request(`${base}/event/next`, { headers: { [ID_HEADER]: id } }, (event) => event.resume())
      .on("error", () => undefined)
      // What waits here must not keep an invocation, or the process, from ending.
      .on("socket", (socket) => socket.unref())
      .end();
  })
    // Without it only what a busy environment holds at its end is lost.
    .on("error", () => undefined)
    .end(JSON.stringify({ events: [] }));
}
