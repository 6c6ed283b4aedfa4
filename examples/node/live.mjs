// Prints orders as they are stored, over a WebSocket, and goes on after a break with what it has missed. For Node.js 22 or later.
import { setTimeout } from "node:timers/promises";

let last = process.env.EVENT_ID; // the newest event that is known
let left = Number(process.env.COUNT ?? Number.POSITIVE_INFINITY);

async function watch() {
  const response = await fetch(`${process.env.TRIGGERS_URL}/live/tickets`, {
    method: "POST",
    headers: { authorization: `Bearer ${process.env.TRIGGERS_API_KEY}` },
  });
  if (!response.ok) throw new Error(await response.text());
  // A ticket lets in once, within 30 seconds.
  const { url, ticket } = await response.json();
  const socket = new WebSocket(`${url}?ticket=${encodeURIComponent(ticket)}`);
  socket.onopen = () =>
    socket.send(JSON.stringify({ subscribe: "events", filter: { event_type: ["order.*"] }, after: last }));
  socket.onmessage = ({ data }) => {
    const { event_id, status, skipped } = JSON.parse(data);
    // A socket is told at most 50 events a second: the list has the rest.
    if (skipped) console.log(`${skipped} more: GET /inbox lists them`);
    if (!event_id || left === 0) return;
    console.log(event_id, status);
    last = event_id;
    left -= 1;
    if (left === 0) socket.close();
  };
  await new Promise((resolve) => {
    socket.onclose = resolve;
  });
}

while (left > 0) {
  await watch().catch((error) => console.error(error.message));
  if (left > 0) await setTimeout(1_000);
}
