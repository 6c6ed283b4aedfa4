// Delivers what was received since START once more, at most 50 events a second.
const response = await fetch(`${process.env.TRIGGERS_URL}/replays`, {
  method: "POST",
  headers: {
    authorization: `Bearer ${process.env.TRIGGERS_API_KEY}`,
    "content-type": "application/json",
  },
  body: JSON.stringify({ from: process.env.START, event_type: "order.*", rate_per_second: 50 }),
});
console.log(await response.text());
if (!response.ok) process.exitCode = 1;
