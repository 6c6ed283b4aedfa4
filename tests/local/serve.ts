import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorAnswer } from "../../local/awsErrors.ts";
import { createVerifier, readClaim } from "../../local/gateway/signature.ts";
import { type ApiCall, type LocalContext, type LocalService, ServiceError } from "../../local/service.ts";

/** Stand-ins behind a plain HTTP server, as far as a client of one service needs: no roles, no permissions. */
export interface Served {
  readonly endpoint: string;
  readonly context: LocalContext;
  close(): Promise<void>;
}

/** What a stand-in is told of its surroundings where no gateway is. @param lines what it logs is added to */
export const contextIn = (state: string, lines: string[] = []): LocalContext => ({
  state,
  accountId: "000000000000",
  region: "us-east-1",
  endpoint: "http://127.0.0.1:1",
  log: (line) => void lines.push(line),
});

/** Contexts that have a state each, which is removed at the end. @param after the suite's own */
export function freshContexts(after: (hook: () => void) => void): (lines?: string[]) => LocalContext {
  const folders: string[] = [];
  after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  return (lines) => {
    const state = mkdtempSync(join(tmpdir(), "stand-in-"));
    folders.push(state);
    return contextIn(state, lines);
  };
}

export async function serve(
  services: (context: LocalContext) => Promise<readonly LocalService[]>,
  state = mkdtempSync(join(tmpdir(), "stand-in-")),
): Promise<Served> {
  const verify = createVerifier({
    callerOf: (id) => (id === "test" ? { role: "test", secretAccessKey: "test" } : undefined),
  });
  let started: readonly LocalService[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", async () => {
      const headers = request.headers as ApiCall["headers"];
      const claim = readClaim({ url: request.url ?? "/", headers });
      const call: ApiCall = {
        service: claim?.service ?? "s3",
        region: claim?.region ?? "us-east-1",
        method: request.method ?? "GET",
        url: request.url ?? "/",
        headers,
        body: Buffer.concat(chunks),
      };
      try {
        await verify(call, claim);
        const service = started.find(({ api }) => api?.name === call.service);
        const answer = await service!.api!.call(call);
        response.writeHead(answer.status, { "content-length": Buffer.byteLength(answer.body), ...answer.headers });
        response.end(call.method === "HEAD" ? undefined : answer.body);
      } catch (thrown) {
        if (thrown instanceof ServiceError) {
          const { status, headers: said, body } = errorAnswer(call, thrown, "request");
          response.writeHead(status, said).end(body);
          return;
        }
        response.writeHead(500).end(String((thrown as Error).stack));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const context: LocalContext = { ...contextIn(state), endpoint };
  started = await services(context);
  return {
    endpoint,
    context,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      for (const service of started) await service.close();
      rmSync(state, { recursive: true, force: true });
    },
  };
}

/** Where and as whom an SDK client calls a served stand-in. */
export const clientOf = (endpoint: string) => ({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
});

/** A call of a service with an AWS JSON protocol, as it arrives. @param target `DynamoDB_20120810.GetItem` */
export const jsonCall = (service: string, target: string, args: object): ApiCall => ({
  service,
  region: "us-east-1",
  method: "POST",
  url: "/",
  headers: { "x-amz-target": target },
  body: Buffer.from(JSON.stringify(args)),
});
