import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Dice } from "../fuzz/random.ts";

/** A subscriber that outlives the platform: `/clean` always takes, `/mixed` fails, dawdles and hangs up now and then. */
export interface Sink {
  readonly url: string;
  /** How often each event was taken with a 200, by path. */
  taken(path: "/clean" | "/mixed"): ReadonlyMap<string, number>;
  /** Takes without counting, or counts again. */
  uncounted(yes: boolean): void;
  close(): void;
}

const FAILS_ONE_IN = 20;
const SLOW_ONE_IN = 40;
const SLOW_MS = 3_000;

export async function startSink(dice: Dice): Promise<Sink> {
  const taken = new Map<string, Map<string, number>>([
    ["/clean", new Map()],
    ["/mixed", new Map()],
  ]);
  let counting = true;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const path = request.url!;
      const mixed = path === "/mixed";
      if (mixed && dice.oneIn(FAILS_ONE_IN)) {
        response.writeHead(500).end();
        return;
      }
      if (mixed && dice.oneIn(SLOW_ONE_IN)) {
        request.socket.destroy();
        return;
      }
      const take = () => {
        response.writeHead(200).end();
        if (!counting) return;
        const counts = taken.get(path)!;
        const events = JSON.parse(Buffer.concat(chunks).toString("utf8")) as readonly { readonly event_id: string }[];
        for (const { event_id: id } of events) counts.set(id, (counts.get(id) ?? 0) + 1);
      };
      if (mixed && dice.oneIn(SLOW_ONE_IN)) setTimeout(take, SLOW_MS);
      else take();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken: (path) => taken.get(path)!,
    uncounted: (yes) => {
      counting = !yes;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
