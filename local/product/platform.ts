/** Triggers in this process: its program on the stand-ins, a receiver for its webhooks, and a demo customer with keys. */

import { resolve } from "node:path";
import type { LocalFile } from "../platform/state.ts";
import { type Core, type PlatformOptions, startCore } from "../platform.ts";
import type { ProgramOutputs } from "../program.ts";
import type { LocalService } from "../service.ts";
import { pagesBeside } from "./pages.ts";
import { post } from "./post.ts";
import { type Receiver, startReceiver } from "./receiver.ts";
import { waitingAnswer } from "./waitingPage.ts";
import { warmUp } from "./warmUp.ts";

export interface Platform extends Core {
  /** Where people sign in. */
  readonly consoleUrl: string;
  /** Builds the pages of console and documentation and puts them into their bucket, once; who asks for one waits for it too. */
  pages(): Promise<void>;
  /** Of the receiver, where webhooks may be sent. */
  readonly sinkUrl: string;
  readonly apiKey: string;
  readonly sandboxKey: string;
  readonly operatorKey: string;
}

/** The platform with its demo customer, and `local.json`. @throws as `startCore` */
export async function startPlatform(options: Omit<PlatformOptions, "beside">): Promise<Platform> {
  let receiver: Receiver | undefined;
  const pages = pagesBeside(resolve(options.state), options.log, () => receiver?.url);
  const core = await startCore({
    ...options,
    people: demoPeople,
    filled: (_bucket, key) => pages.filled(key),
    standsIn: (viewer) => waitingAnswer(viewer, () => pages.filled("docs/index.html")),
    // Before the program: what a stopped platform had still to deliver is posted as soon as its functions run.
    beside: async (state) => {
      receiver = await startReceiver(state.receiverPort);
      state.remember({ receiver_port: receiver.port });
      return async () => {
        pages.stop();
        await receiver!.close();
      };
    },
  });
  const sinkUrl = receiver!.url;
  try {
    const known = core.state.readLocal();
    const keys = await demoCustomer(core.url, known, await operatorKeyOf(core.outputs, core.services));
    if (known?.console_url === undefined || known.api_key !== keys.api_key) await invitePeople(core.url, keys);
    const consoleUrl = `${core.url}/console/`;
    core.state.writeLocal({
      url: core.url,
      ...keys,
      sink_url: sinkUrl,
      console_url: consoleUrl,
      outbox_url: core.outboxUrl,
      pid: process.pid,
    });
    // Starting is no load.
    core.account?.begin();
    return {
      ...core,
      sinkUrl,
      consoleUrl,
      async warm() {
        await core.warm();
        // Not where quotas count each request.
        if (options.acceptFirst === true && core.account === undefined) await warmUp(core.url, keys.operator_key);
      },
      pages: pages.ready,
      apiKey: keys.api_key,
      sandboxKey: keys.sandbox_key,
      operatorKey: keys.operator_key,
    };
  } catch (cause) {
    await core.stop();
    throw cause;
  }
}

/** Reads the operator's key from the secret that the program names in its export `operatorSecret`. */
async function operatorKeyOf(outputs: ProgramOutputs, services: readonly LocalService[]): Promise<string> {
  const api = services.find((service) => service.api?.name === "secretsmanager")?.api;
  if (api === undefined) throw new Error("no service answers secretsmanager");
  const answer = await api.call({
    service: "secretsmanager",
    region: "us-east-1",
    method: "POST",
    url: "/",
    headers: {
      "x-amz-target": "secretsmanager.GetSecretValue",
      "content-type": "application/x-amz-json-1.1",
    },
    body: Buffer.from(JSON.stringify({ SecretId: outputs.operatorSecret })),
  });
  const { SecretString } = JSON.parse(String(answer.body)) as { SecretString?: string };
  if (SecretString === undefined) throw new Error(`the operator's key is not in its secret: ${String(answer.body)}`);
  return SecretString;
}

/** Who may sign in here: one person a role of the demo customer, and the operator's own. */
const demoPeople = ["Owner", "Developer", "Operations", "Business", "Executive", "Auditor", "Operator"].map((name) => ({
  name,
  email: `${name.toLowerCase()}@demo.example`,
}));

/** Lets the demo's people in; those who were invited before stay as they are. */
async function invitePeople(url: string, { api_key, operator_key }: Keys): Promise<void> {
  const invite = async ({ name, email }: (typeof demoPeople)[number]) => {
    const role = name.toLowerCase();
    const key = role === "operator" ? operator_key : api_key;
    const { status, text } = await post(`${url}/people`, key, { name, email, role });
    if (status !== 201 && status !== 409) throw new Error(`${name} could not be invited: ${status} ${text}`);
  };
  await Promise.all(demoPeople.map(invite));
}

type Keys = Pick<LocalFile, "api_key" | "sandbox_key" | "operator_key">;

/** The keys of the demo customer: those of the last run, or of a customer made now. */
async function demoCustomer(url: string, known: LocalFile | undefined, operatorKey: string): Promise<Keys> {
  if (known?.operator_key === operatorKey) {
    return { api_key: known.api_key, sandbox_key: known.sandbox_key, operator_key: operatorKey };
  }
  const { status, text } = await post(`${url}/customers`, operatorKey, { name: "Demo" });
  if (status !== 201) throw new Error(`the demo customer could not be created: ${status} ${text}`);
  const { api_key, sandbox_key } = JSON.parse(text) as { api_key: string; sandbox_key: string };
  return { api_key, sandbox_key, operator_key: operatorKey };
}
