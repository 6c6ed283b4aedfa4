// Verifies a post by Web Crypto, which browsers, workers, Deno, Bun and Node.js have.
const TOLERANCE = 300; // seconds that the clocks may differ, and that a recorded post stays valid
const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** Gives what is in the body. Throws where no signature is that of exactly this text. */
export async function verify(secret, headers, body) {
  const sentAt = headers["webhook-timestamp"];
  if (!(Math.abs(Date.now() / 1_000 - Number(sentAt)) <= TOLERANCE)) throw new Error("the post is too old");
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytesOf(secret.replace(/^whsec_/, "")), hmac, false, ["verify"]);
  const signed = new TextEncoder().encode(`${headers["webhook-id"]}.${sentAt}.${body}`);
  // After a rotation there is one signature for each secret.
  for (const one of headers["webhook-signature"].split(" ")) {
    const [version, signature] = one.split(",");
    if (version === "v1" && (await crypto.subtle.verify("HMAC", key, bytesOf(signature), signed)))
      return JSON.parse(body);
  }
  throw new Error("no signature is right");
}
