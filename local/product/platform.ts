/** Triggers in this process: its program on the stand-ins, a receiver for its webhooks, and a demo customer with keys. */

import type { LocalFile } from "../platform/state.ts";
import { type Core, type PlatformOptions, startCore } from "../platform.ts";
import type { ProgramOutputs } from "../program.ts";
import type { LocalService } from "../service.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

export interface Platform extends Core {
  /** Of the receiver, where webhooks may be sent. */
  readonly sinkUrl: string;
  readonly apiKey: string;
  readonly sandboxKey: string;
  readonly operatorKey: string;
}

/** The platform with its demo customer, and `local.json`. @throws as `startCore` */
export async function startPlatform(options: Omit<PlatformOptions, "beside">): Promise<Platform> {
  let receiver: Receiver | undefined;
  const core = await startCore({
    ...options,
    // Before the program: what a stopped platform had still to deliver is posted as soon as its functions run.
    beside: async (state) => {
      receiver = await startReceiver(state.receiverPort);
      state.rememberReceiver(receiver.port);
      return receiver.close;
    },
  });
  const sinkUrl = receiver!.url;
  try {
    const keys = await demoCustomer(core.url, core.state.readLocal(), await operatorKeyOf(core.outputs, core.services));
    core.state.writeLocal({ url: core.url, ...keys, sink_url: sinkUrl, pid: process.pid });
    // Starting is no load.
    core.account?.begin();
    return {
      ...core,
      sinkUrl,
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

type Keys = Pick<LocalFile, "api_key" | "sandbox_key" | "operator_key">;

/** The keys of the demo customer: those of the last run, or of a customer made now. */
async function demoCustomer(url: string, known: LocalFile | undefined, operatorKey: string): Promise<Keys> {
  if (known?.operator_key === operatorKey) {
    return { api_key: known.api_key, sandbox_key: known.sandbox_key, operator_key: operatorKey };
  }
  const response = await fetch(`${url}/customers`, {
    method: "POST",
    headers: { authorization: `Bearer ${operatorKey}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "Demo" }),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`the demo customer could not be created: ${response.status} ${text}`);
  const { api_key, sandbox_key } = JSON.parse(text) as { api_key: string; sandbox_key: string };
  return { api_key, sandbox_key, operator_key: operatorKey };
}
