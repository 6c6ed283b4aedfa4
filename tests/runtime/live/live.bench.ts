/**
 * What watching costs: calls of AWS and CPU time of routing requests of a customer whom nobody watches, and of one who is watched; and of
 * telling a burst to sockets, of which each may get 50 messages a second. Calls are counted and never made.
 */

import { newUlid } from "../../../runtime/domain/ids.ts";
import { publish } from "../../../runtime/live/publish.ts";
import { opened, said } from "../../../runtime/live/socket.ts";
import { openStorage } from "../../support/storage.ts";
import { makeWorld, TENANT } from "../route/world.ts";
import { counted } from "./counted.ts";

const REQUESTS = Number(process.env.REQUESTS ?? 2_000);
const EVENTS = 10;
const cpu = () => (process.cpuUsage().user + process.cpuUsage().system) / 1_000;

for (const watched of [false, true, false, true]) {
  const world = makeWorld({ sub_a: "order.*" });
  const { calls, tell } = counted();
  Object.assign(world.ports, { tell });
  if (watched) world.watched.add(TENANT);
  const bodies = Array.from({ length: EVENTS }, (_, n) => ({ event_type: "order.created", n }));
  const [at, spent] = [performance.now(), cpu()];
  for (let n = 0; n < REQUESTS; n += 10) await world.route(...Array.from({ length: 10 }, () => world.message(bodies)));
  const events = REQUESTS * EVENTS;
  console.log(
    `${watched ? "watched" : "unwatched"}: ${calls.length} calls to tell of ${events.toLocaleString("en")} events in ${REQUESTS / 10} invocations; routing ${(((cpu() - spent) * 1_000) / events).toFixed(1)} us CPU an event, ${(performance.now() - at).toFixed(0)} ms wall`,
  );
}

const storage = await openStorage();
for (const sockets of [1, 10, 100]) {
  const tenant = `cus_bench${sockets}`;
  let clock = Date.now();
  let sent = 0;
  const service = (async () => ({ answer: {}, bytes: 0 })) as never;
  const table = storage.store.events;
  const ports = {
    ...{
      log: () => {},
      sockets: table,
      service,
      keyStands: async () => true,
      personStands: async () => true,
      now: () => clock,
    },
    sleep: async (ms: number) => {
      clock += ms;
    },
    posting: {
      async post() {
        sent += 1;
        return true;
      },
      close: async () => {},
    },
  };
  const socketPorts = { sockets: table, service, ask: async () => {}, now: () => clock, failed: () => {} };
  for (let n = 0; n < sockets; n += 1) {
    const socket = {
      ...{ tenant, connection_id: `s${n}`, ends_at: clock + 7_200_000 },
      who: { key_id: "key_1", limit_per_second: 100 },
    };
    await opened(socket, socketPorts);
    await said(socket, JSON.stringify({ subscribe: "events" }), "req_1", socketPorts);
  }
  clock += 60_000;
  const events = Array.from({ length: 500 }, (_, n) => ({
    ...{ event_id: `evt_${newUlid(clock)}`, event_type: `type.${n}`, key_id: "key_1" },
    ...{ received_at: new Date(clock).toISOString(), status: "pending" as const },
  }));
  const [at, spent] = [performance.now(), cpu()];
  await publish({ tenant, events }, ports);
  console.log(
    `a burst of ${events.length} events to ${sockets} sockets: ${sent} messages, ${(cpu() - spent).toFixed(0)} ms CPU with the table, ${(performance.now() - at).toFixed(0)} ms wall`,
  );
}
await storage.close();
