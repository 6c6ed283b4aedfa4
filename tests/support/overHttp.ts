import { request } from "node:http";
import type { CarriedAnswer, CarriedCall } from "../../runtime/aws/carrier.ts";

/** Brings signed calls to an endpoint as they are, each over a connection of its own. @param endpoint its URL */
export const overHttp =
  (endpoint: string) =>
  ({ method, path, headers, body }: CarriedCall): Promise<CarriedAnswer & { readonly body: string }> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(endpoint);
      request({ hostname, port, method, path, headers, agent: false }, (incoming) => {
        const parts: Buffer[] = [];
        incoming.on("data", (part: Buffer) => parts.push(part));
        incoming.on("error", reject);
        incoming.on("end", () =>
          resolve({
            status: incoming.statusCode!,
            headers: incoming.headers as Record<string, string>,
            body: Buffer.concat(parts).toString(),
          }),
        );
      })
        .on("error", reject)
        .end(body);
    });
