import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "uvu";
import { rules } from "../../policies/rules.ts";
import { eventually } from "../support/eventually.ts";
import { broken, program, resourceOf } from "./program.ts";

const spoken: string[] = [];

/**
 * The pack as Pulumi runs it: the SDK's own host loads the folder, prints its port, and is asked over gRPC what the
 * engine asks. So the protocol is the real one; only the engine is missing.
 */
const require = createRequire(import.meta.url);
const pulumi = (path: string) => require(`@pulumi/pulumi/${path}`);
const root = join(import.meta.dirname, "../..");

interface Diagnostic {
  readonly policyname: string;
  readonly message: string;
  readonly enforcementlevel: number;
}
interface Client {
  [method: string]: (request: unknown, done: (error: Error | null, answer: { toObject(): never }) => void) => void;
}

let host: ChildProcess;
let client: Client;

const ask = <T>(method: string, request: unknown): Promise<T> =>
  new Promise((resolve, reject) =>
    client[method]!(request, (error, answer) => (error === null ? resolve(answer.toObject() as T) : reject(error))),
  );

test.before(async () => {
  const folder = join(root, "policies");
  const runner = join(root, "node_modules/@pulumi/pulumi/cmd/run-policy-pack");
  host = spawn(process.execPath, [runner, "127.0.0.1:0", folder], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PULUMI_NODEJS_TYPESCRIPT: "false" },
  });
  host.stderr!.on("data", (text: Buffer) =>
    spoken.push(
      ...text
        .toString()
        .split("\n")
        .filter((line) => line !== ""),
    ),
  );
  const [port] = (await once(host.stdout!, "data")) as [Buffer];
  const grpc = require("@grpc/grpc-js") as { credentials: { createInsecure(): unknown } };
  const { AnalyzerClient } = pulumi("proto/analyzer_grpc_pb") as {
    AnalyzerClient: new (at: string, c: unknown) => Client;
  };
  client = new AnalyzerClient(`127.0.0.1:${port.toString().trim()}`, grpc.credentials.createInsecure());
});

test.after(() => {
  (client as unknown as { close(): void }).close();
  host.kill();
});

const { Struct } = require("google-protobuf/google/protobuf/struct_pb.js") as {
  Struct: { fromJavaScript(value: unknown): unknown };
};
const messages = pulumi("proto/analyzer_pb") as Record<string, new () => Record<string, (value: unknown) => void>>;

type Subject = (typeof program)[number];
const fill = (message: Record<string, (value: unknown) => void>, { type, name, urn, props, protect }: Subject) => {
  message.setType!(type);
  message.setName!(name);
  message.setUrn!(urn);
  message.setProperties!(Struct.fromJavaScript(JSON.parse(JSON.stringify(props))));
  const options = new messages.AnalyzerResourceOptions!();
  options.setProtect!(protect);
  message.setOptions!(options);
  return message;
};

const analyze = (subject: Subject) =>
  ask<{ diagnosticsList: Diagnostic[] }>("analyze", fill(new messages.AnalyzeRequest!(), subject));

const analyzeStack = (resources: readonly Subject[]) => {
  const request = new messages.AnalyzeStackRequest!();
  request.setResourcesList!(resources.map((subject) => fill(new messages.AnalyzerResource!(), subject)));
  return ask<{ diagnosticsList: Diagnostic[] }>("analyzeStack", request);
};

const told = ({ diagnosticsList }: { diagnosticsList: Diagnostic[] }) =>
  diagnosticsList.map(({ policyname, enforcementlevel }) => [
    policyname,
    enforcementlevel === 1 ? "mandatory" : "advisory",
  ]);

test("the host loads the pack, and it tells its rules by name", async () => {
  const { Empty } = require("google-protobuf/google/protobuf/empty_pb.js") as { Empty: new () => unknown };
  const info = await ask<{ name: string; policiesList: { name: string }[] }>("getAnalyzerInfo", new Empty());
  assert.equal(info.name, "triggers");
  assert.deepEqual(info.policiesList.map(({ name }) => name).sort(), rules.map(({ name }) => name).sort());
});

test("a queue of ours passes before it is made", async () =>
  assert.deepEqual(told(await analyze(resourceOf("aws:sqs/queue:Queue", "ingest-queue"))), []));

test("a queue without its key is stopped before it is made", async () => {
  const queue = broken("aws:sqs/queue:Queue", "ingest-queue", "kmsMasterKeyId", undefined).find(
    ({ name }) => name === "ingest-queue",
  )!;
  assert.deepEqual(told(await analyze(queue)), [["queue-own-key", "mandatory"]]);
});

test("the whole stack passes, and each exception is reported once with its reason", async () => {
  assert.deepEqual(told(await analyzeStack(program)), []);
  assert.deepEqual(told(await analyzeStack(program)), []);
  await eventually(
    () => spoken.length,
    (lines) => lines > 0,
  );
  assert.deepEqual(
    spoken.map((line) => line.split(". ")[0]),
    ["bucket-own-key: logs-bucket: excepted until 2027-10-31"],
  );
});

test("a stack whose functions share a role is stopped", async () => {
  const shared = broken(
    "aws:lambda/function:Function",
    "sweep",
    "role",
    resourceOf("aws:lambda/function:Function", "route").props.role,
  );
  assert.deepEqual(told(await analyzeStack(shared)), [
    ["role-of-one-function", "mandatory"],
    ["role-of-one-function", "mandatory"],
  ]);
});

test.run();
