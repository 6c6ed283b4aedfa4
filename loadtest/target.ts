import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { S3ClientConfig } from "@aws-sdk/client-s3";
import { startCommand } from "../local/startScript.ts";

/** The platform under load: one that runs already (URL), or one started here in a state of its own. */
export interface Target {
  readonly url: string;
  readonly operatorKey: string | undefined;
  /** Process id, when it runs on this machine. */
  readonly pid: number | undefined;
  /** How its AWS services are reached, and its archive's bucket, when it was started here. */
  readonly aws: AwsAccess | undefined;
  readonly archiveBucket: string | undefined;
  stop(): Promise<void>;
}

/** Members that the configuration of every AWS client has. */
export type AwsAccess = Pick<S3ClientConfig, "region" | "endpoint" | "credentials">;

/** What the platform says of its AWS stand-ins. */
interface GatewayFile {
  readonly endpoint: string;
  readonly access_key_id: string;
  readonly secret_access_key: string;
  readonly outputs: { readonly archiveBucket: string };
}

interface LocalFile {
  readonly url: string;
  readonly operator_key: string;
  readonly pid: number;
}

/**
 * @param state folder for the state of a platform started here
 * @param quotas share of AWS's default quotas that holds it back. @default nothing does
 * @throws Error with its output when it does not come up
 */
export async function startTarget(state: string, quotas?: string): Promise<Target> {
  const url = process.env.URL;
  if (url !== undefined) {
    return {
      url,
      operatorKey: process.env.OPERATOR_KEY,
      pid: undefined,
      aws: undefined,
      archiveBucket: undefined,
      stop: async () => {},
    };
  }
  // It is this process whose CPU is read.
  const [program, ...args] = startCommand;
  const child = spawn(program!, [...args, ...(quotas === undefined ? [] : ["--quotas", quotas])], {
    env: { ...process.env, PORT: "0", TRIGGERS_STATE: state },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const ready = new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer) => {
      if (output.length < 100_000) output += chunk.toString();
      if (/^ready /m.test(output)) resolve();
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("close", () => reject(new Error(`the platform ended before it was ready:\n${output}`)));
  });
  await ready;
  const local = JSON.parse(readFileSync(join(state, "local.json"), "utf8")) as LocalFile;
  const gateway = JSON.parse(readFileSync(join(state, "gateway.json"), "utf8")) as GatewayFile;
  return {
    url: local.url,
    operatorKey: local.operator_key,
    pid: local.pid,
    aws: {
      region: "us-east-1",
      endpoint: gateway.endpoint,
      credentials: { accessKeyId: gateway.access_key_id, secretAccessKey: gateway.secret_access_key },
    },
    archiveBucket: gateway.outputs.archiveBucket,
    stop: async () => {
      const closed = new Promise((resolve) => child.on("close", resolve));
      child.kill("SIGINT");
      await closed;
    },
  };
}
