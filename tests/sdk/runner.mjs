/**
 * Runs the conformance table with the SDK for TypeScript, as it was installed: cases come in by standard input, what came of them
 * goes out by standard output. For Node.js from 20, Deno and Bun.
 */
import { argv, stdin, stdout } from "node:process";
import { pathToFileURL } from "node:url";
import { conformance } from "./cases.mjs";

const [, , sdkFile, undiciFile] = argv;
const sdk = await import(pathToFileURL(sdkFile).href);
const lossless = await import(new URL("lossless.js", pathToFileURL(sdkFile)).href);

async function throughProxy(proxy) {
  const { fetch, ProxyAgent } = await import(pathToFileURL(undiciFile).href);
  const dispatcher = new ProxyAgent(proxy);
  return (url, init) => fetch(url, { ...init, dispatcher });
}

const carryOut = conformance({ sdk, lossless, throughProxy, told: (text) => stdout.write(text) });
let input = "";
for await (const chunk of stdin.setEncoding("utf8")) input += chunk;
const cases = JSON.parse(input);
const results = await Promise.all(cases.map(carryOut));
if (cases[0]?.do !== "exit") stdout.write(JSON.stringify(results));
