// Says of a stored event, EVENT_ID, which subscriptions took it, and which clause refused it for the others.
const response = await fetch(`${process.env.TRIGGERS_URL}/events/${process.env.EVENT_ID}/verdicts`, {
  headers: { authorization: `Bearer ${process.env.TRIGGERS_API_KEY}` },
});
console.log(await response.text());
if (!response.ok) process.exitCode = 1;
