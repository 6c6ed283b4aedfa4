import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ApiCall, LocalContext, LocalService } from "../../local/service.ts";

/** Stand-ins behind a plain HTTP server, as far as a client of one service needs: no roles, no permissions. */
export interface Served {
  readonly endpoint: string;
  readonly context: LocalContext;
  close(): Promise<void>;
}

export async function serve(
  services: (context: LocalContext) => Promise<readonly LocalService[]>,
  state = mkdtempSync(join(tmpdir(), "stand-in-")),
): Promise<Served> {
  let started: readonly LocalService[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", async () => {
      const scope = /Credential=[^/]+\/\d+\/([^/]+)\/([^/]+)\//.exec(
        request.headers.authorization ??
          new URL(request.url ?? "/", "http://x").searchParams
            .get("X-Amz-Credential")
            ?.replace(/^/, "Credential=")
            .concat("/") ??
          "",
      );
      const call: ApiCall = {
        service: scope?.[2] ?? "s3",
        region: scope?.[1] ?? "us-east-1",
        method: request.method ?? "GET",
        url: request.url ?? "/",
        headers: request.headers as ApiCall["headers"],
        body: Buffer.concat(chunks),
      };
      try {
        const service = started.find(({ api }) => api?.name === call.service);
        const answer = await service!.api!.call(call);
        response.writeHead(answer.status, { "content-length": Buffer.byteLength(answer.body), ...answer.headers });
        response.end(call.method === "HEAD" ? undefined : answer.body);
      } catch (thrown) {
        response.writeHead(500).end(String((thrown as Error).stack));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const context: LocalContext = { state, accountId: "000000000000", region: "us-east-1", endpoint, log: () => {} };
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
