// Reads what a failing or disabled subscription, SUBSCRIPTION_ID, has not received.
const response = await fetch(`${process.env.TRIGGERS_URL}/subscriptions/${process.env.SUBSCRIPTION_ID}/backlog`, {
  headers: { authorization: `Bearer ${process.env.TRIGGERS_API_KEY}` },
});
console.log(await response.text());
if (!response.ok) process.exitCode = 1;
