// Writes the connections of one project of Hookdeck as one list.
const { HOOKDECK_URL = "https://api.hookdeck.com/2025-07-01", HOOKDECK_API_KEY } = process.env;

const models = [];
for (let next = ""; next !== undefined; ) {
  const response = await fetch(`${HOOKDECK_URL}/connections?limit=250${next && `&next=${encodeURIComponent(next)}`}`, {
    headers: { authorization: `Bearer ${HOOKDECK_API_KEY}` },
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  const page = await response.json();
  models.push(...page.models);
  next = page.pagination.next ?? undefined;
}
console.log(JSON.stringify({ models }, null, 2));
