// Reads every event that nobody has acknowledged, page by page, and acknowledges it.
const headers = {
  authorization: `Bearer ${process.env.TRIGGERS_API_KEY}`,
  "content-type": "application/json",
};

async function call(path, body) {
  const options = body === undefined ? { headers } : { headers, method: "POST", body: JSON.stringify(body) };
  const response = await fetch(process.env.TRIGGERS_URL + path, options);
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

let cursor;
do {
  const query = new URLSearchParams({ limit: "100", order: "asc", ...(cursor ? { cursor } : {}) });
  const page = await call(`/inbox?${query}`);
  for (const event of page.events) console.log(event.event_id, event.event_type, event.payload);
  const event_ids = page.events.map(({ event_id }) => event_id);
  if (event_ids.length > 0) await call("/inbox/ack", { event_ids });
  cursor = page.next_cursor;
} while (cursor);
