import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPlatform } from "../../local/product/platform.ts";
import { nextCase } from "./cases.ts";
import { type Dice, dice } from "./random.ts";

/** What came back on a connection, all of it, and whether the server closed it. */
interface Heard {
  readonly text: string;
  readonly ms: number;
}

/** An answer's first line follows the body before it without a line break. */
const STATUS_LINE = /HTTP\/1\.1 [2-5]\d\d /g;

/** Sends bytes, then waits until the server closes, has answered `answers` times, or `ms` have passed. */
function exchange(port: number, bytes: Buffer, answers: number, ms: number): Promise<Heard> {
  return new Promise((resolve) => {
    const begun = performance.now();
    const parts: Buffer[] = [];
    const socket = connect(port, "127.0.0.1");
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text: Buffer.concat(parts).toString("latin1"), ms: performance.now() - begun });
    };
    const timer = setTimeout(end, ms);
    socket.on("data", (part: Buffer) => {
      parts.push(part);
      if ((Buffer.concat(parts).toString("latin1").match(STATUS_LINE) ?? []).length >= answers) end();
    });
    socket.on("error", end);
    socket.on("close", end);
    socket.write(bytes);
  });
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const serverErrors = (text: string): string[] => text.match(/HTTP\/1\.1 5\d\d [^\r\n]*/g) ?? [];

/** A request as bytes, its headers as wrong as they come but for what would make it another test. */
function rawRequest(chance: Dice, corpus: readonly Buffer[], keys: readonly string[]): Buffer {
  const { method, uri, headers, body } = nextCase(chance, corpus, keys);
  const lines = Object.entries(headers)
    .filter(([name]) => token.test(name) && name !== "content-length")
    .map(([name, value]) => `${name}: ${value.replaceAll(/[\r\n]/g, "")}`);
  const length = chance.oneIn(10)
    ? chance.pick([`${body.length + 5}`, `${Math.max(0, body.length - 1)}`, "-1", "x", "1e3", "99999999999999999999"])
    : String(body.length);
  if (chance.oneIn(25)) lines.push("transfer-encoding: chunked");
  if (chance.oneIn(40)) lines.push(`x-${"y".repeat(chance.below(100))}: ${"z".repeat(chance.below(40_000))}`);
  if (chance.oneIn(40)) for (let i = chance.below(300); i > 0; i -= 1) lines.push(`x-many-${i}: v`);
  if (chance.oneIn(60)) lines.push(chance.pick(["no colon", ": no name", "bad name : x", "x\u0000: y"]));
  const start = `${method === "" ? "POST" : method} ${encodeURI(uri).slice(0, 4_000)} HTTP/1.1`;
  return Buffer.concat([
    Buffer.from(`${start}\r\nhost: x\r\n${lines.join("\r\n")}\r\ncontent-length: ${length}\r\n\r\n`),
    body,
  ]);
}

/** The part over real HTTP, to the local platform. @returns how many cases were sent */
export async function overHttp(
  cases: number,
  seed: number,
  corpus: readonly Buffer[],
  fail: (what: string) => void,
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "fuzz-"));
  const platform = await startPlatform({ state: folder, port: 0, log: () => {} });
  const port = Number(new URL(platform.url).port);
  const chance = dice(seed);
  const good = `Bearer ${platform.sandboxKey}`;
  const valid = (body = '{"alive":true}', more = "") =>
    Buffer.from(
      `POST /events HTTP/1.1\r\nhost: x\r\nauthorization: ${good}\r\ncontent-type: application/json\r\n${more}content-length: ${body.length}\r\n\r\n${body}`,
    );
  const started = performance.now();
  let sent = 0;
  const alive = async (after: string) => {
    sent += 1;
    const { text, ms } = await exchange(port, valid(), 1, 5_000);
    if (!/^HTTP\/1\.1 (202|429)/.test(text))
      fail(`after ${after} a good request was answered ${JSON.stringify(text.slice(0, 200))}`);
    else if (ms > 1_000) fail(`after ${after} a good request took ${ms.toFixed(0)} ms`);
  };
  try {
    await exchange(port, valid(), 1, 10_000); // the functions' first call

    // Slow-loris: connections that send a byte now and then hold nobody else up.
    const lorises = Array.from({ length: 300 }, () => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write("POST /events HTTP/1.1\r\nhost: x\r\n");
      return socket;
    });
    for (let i = 0; i < 20; i += 1) {
      for (const socket of lorises) if (!socket.destroyed) socket.write("x");
      await alive("300 slow connections");
    }
    for (const socket of lorises) socket.destroy();
    sent += lorises.length;

    // Pipelining: every request is answered, in order.
    for (let i = 0; i < 20; i += 1) {
      const { text } = await exchange(port, Buffer.concat(Array.from({ length: 10 }, () => valid())), 10, 10_000);
      sent += 10;
      const answers = text.match(/HTTP\/1\.1 (202|429) /g)?.length ?? 0;
      if (answers !== 10) fail(`of 10 pipelined requests ${answers} were answered`);
    }

    const keys = [good, `Bearer ${platform.apiKey}`, "Bearer x", "", "Basic y"];
    for (let i = 0; i < cases; i += 1) {
      const bytes = rawRequest(chance, corpus, keys);
      // A request that promises more bytes than come is left waiting: nothing is owed to it but patience.
      const { text } = await exchange(port, bytes, 1, 150);
      sent += 1;
      for (const line of serverErrors(text))
        fail(`raw case ${i}: ${line}: ${bytes.toString("base64").slice(0, 2_000)}`);
      if (i % 100 === 0) await alive(`raw case ${i}`);
    }
    await alive("all raw cases");
  } finally {
    await platform.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`over HTTP: ${sent} cases in ${((performance.now() - started) / 1_000).toFixed(1)} s`);
  return sent;
}
