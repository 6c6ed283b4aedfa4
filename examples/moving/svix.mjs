// Writes the endpoints of one application of Svix, with the headers and the transformation of each, as one list.
const { SVIX_URL = "https://api.svix.com", SVIX_TOKEN, SVIX_APP } = process.env;

async function get(path) {
  const response = await fetch(`${SVIX_URL}/api/v1/app/${SVIX_APP}/endpoint/${path}`, {
    headers: { authorization: `Bearer ${SVIX_TOKEN}` },
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
}

const endpoints = [];
for (let iterator = "", done = false; !done; ) {
  const page = await get(`?limit=250${iterator && `&iterator=${encodeURIComponent(iterator)}`}`);
  endpoints.push(...page.data);
  ({ iterator, done } = page);
}
const data = [];
for (const endpoint of endpoints) {
  const [{ headers, sensitive }, transformation] = await Promise.all([
    get(`${endpoint.id}/headers/`),
    get(`${endpoint.id}/transformation/`),
  ]);
  data.push({ ...endpoint, headers, sensitive, transformation });
}
console.log(JSON.stringify({ data, done: true }, null, 2));
