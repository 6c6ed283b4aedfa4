import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import net from "node:net";
import tls from "node:tls";
import { test } from "uvu";
import { guardedAgent, type Resolve } from "../../../runtime/deliver/connect.ts";
import { post } from "../../../runtime/deliver/post.ts";
import { checkWebhookUrl } from "../../../runtime/domain/webhook/webhookUrl.ts";
import { byName, hostileUrls } from "../domain/hostileUrls.ts";

/**
 * Sockets that are never opened: whatever would be dialled, after the socket's own lookup, is noted and then refused. So no
 * test here can reach anything, and each can tell what would have been reached.
 */
const dialled: string[] = [];
const real = { net: net.connect, tls: tls.connect };
interface Dial {
  readonly host: string;
  lookup?(host: string, options: object, done: (error: Error | null, found: string | LookupAddress[]) => void): void;
}
const pretend = (options: Dial): net.Socket => {
  const socket = new net.Socket();
  const dial = (addresses: readonly string[]) => {
    dialled.push(...addresses);
    socket.destroy(Object.assign(new Error("not dialled in a test"), { code: "ECONNREFUSED" }));
  };
  if (net.isIP(options.host) !== 0) setImmediate(dial, [options.host]);
  else {
    options.lookup!(options.host, { all: true }, (error, found) => {
      if (error === null) dial(typeof found === "string" ? [found] : found.map(({ address }) => address));
      else socket.destroy(error);
    });
  }
  return socket;
};
test.before(() => {
  net.connect = pretend as never;
  tls.connect = pretend as never;
});
test.after(() => {
  net.connect = real.net;
  tls.connect = real.tls;
});
test.before.each(() => {
  dialled.length = 0;
});

const resolving =
  (answers: Readonly<Record<string, readonly string[]>>): Resolve =>
  (host, _options, done) =>
    setImmediate(() =>
      done(
        null,
        (answers[host] ?? ["93.184.215.14"]).map((address) => ({ address, family: net.isIP(address) })),
      ),
    );
const request = (url: URL) => ({ url, headers: {}, body: Buffer.from("{}") });
const agentFor = (resolve: Resolve) => guardedAgent({ allowLoopback: false, timeoutMs: 1_000, resolve });

test("a public name is dialled at the address it was found to have", async () => {
  const agent = agentFor(resolving({ "hooks.example.com": ["93.184.215.14"] }));
  const { error } = await post(agent, request(new URL("https://hooks.example.com/")));
  assert.deepEqual([error, dialled], ["connection_refused", ["93.184.215.14"]]);
});

test("no hostile URL is dialled, even if nobody checked the URL before", async () => {
  let asked = 0;
  const agent = agentFor((host, options, done) => {
    asked += 1;
    resolving({ [host]: ["127.0.0.1"] })(host, options, done);
  });
  for (const text of hostileUrls) {
    assert.equal(checkWebhookUrl(text, { allowLoopback: false }).ok, false);
    const url = URL.parse(text);
    if (url === null || !url.protocol.startsWith("http") || url.port === "0") continue;
    // Anything special about the URL besides its host is for the check of its text; here only the host counts.
    const { error } = await post(agent, request(url));
    assert.equal(error, "forbidden_address", text);
  }
  assert.deepEqual(dialled, []);
  assert.ok(asked > 20);
});

for (const [url, addresses] of byName) {
  test(`${new URL(url).host}, which is ${addresses.join(" and ") || "nowhere"}, is never dialled`, async () => {
    assert.equal(checkWebhookUrl(url, { allowLoopback: false }).ok, true);
    const agent = agentFor(resolving({ [new URL(url).hostname]: addresses }));
    const { status, error } = await post(agent, request(new URL(url)));
    assert.equal(status, null);
    assert.equal(error, addresses.length === 0 ? "connection_failed" : "forbidden_address");
    assert.deepEqual(dialled, []);
  });
}

test("on this machine no name and no address leads to a port on which the platform listens", async () => {
  const rules = { allowLoopback: true, ownPorts: new Set([4_000]) };
  const agent = guardedAgent({ ...rules, timeoutMs: 1_000, resolve: resolving({ "a.example": ["127.0.0.1"] }) });
  for (const host of ["a.example", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"]) {
    const { error } = await post(agent, request(new URL(`http://${host}:4000/`)));
    assert.equal(error, "forbidden_address", host);
  }
  assert.deepEqual(dialled, []);
  await post(agent, request(new URL("http://a.example:4001/")));
  assert.deepEqual(dialled, ["127.0.0.1"]);
});

test("a name that changes its address between check and connection (DNS rebinding) gains nothing", async () => {
  const answers = [["93.184.215.14"], ["127.0.0.1"], ["169.254.169.254"], ["93.184.215.14"]];
  let asked = 0;
  const agent = agentFor((host, options, done) => resolving({ [host]: answers[asked++]! })(host, options, done));
  const errors: (string | null)[] = [];
  for (let n = 0; n < 4; n += 1)
    errors.push((await post(agent, request(new URL("https://rebind.example.com/")))).error);
  assert.equal(asked, 4, "each connection asks once, and dials what that answer said");
  assert.deepEqual(errors, ["connection_refused", "forbidden_address", "forbidden_address", "connection_refused"]);
  assert.deepEqual(dialled, ["93.184.215.14", "93.184.215.14"]);
});

test.run();
