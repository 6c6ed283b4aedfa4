/** Pulumi's `random` provider: a value is made once and kept in the state, as a deployment keeps it in its own. */
import { randomBytes, randomInt } from "node:crypto";
import { join } from "node:path";
import { onlySupports, optional } from "./declared.ts";
import { JsonFile } from "./jsonFile.ts";
import type { LocalContext, LocalService, ResourceRequest } from "./service.ts";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

export function createRandom(context: LocalContext): LocalService {
  const kept = new JsonFile<Record<string, string>>(join(context.state, "random", "values.json"), {});

  function once(request: ResourceRequest, make: () => string): string {
    const key = `${request.type} ${request.name}`;
    const known = kept.value[key];
    if (known !== undefined) return known;
    const made = make();
    kept.value[key] = made;
    kept.save();
    return made;
  }

  return {
    resources: {
      "random:index/randomPassword:RandomPassword": async (request) => {
        onlySupports(request, "length special overrideSpecial");
        const special = optional(request.inputs, "special", "boolean") ?? true;
        const alphabet = LETTERS + (special ? (optional(request.inputs, "overrideSpecial", "string") ?? SPECIAL) : "");
        const length = optional(request.inputs, "length", "number") ?? 32;
        const result = once(request, () => Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join(""));
        return { id: "none", state: { ...request.inputs, result } };
      },
      "random:index/randomId:RandomId": async (request) => {
        onlySupports(request, "byteLength prefix");
        const bytes = optional(request.inputs, "byteLength", "number") ?? 8;
        const hex = once(request, () => randomBytes(bytes).toString("hex"));
        const prefix = optional(request.inputs, "prefix", "string") ?? "";
        const b64Url = Buffer.from(hex, "hex").toString("base64url");
        return { id: b64Url, state: { ...request.inputs, hex: prefix + hex, b64Url: prefix + b64Url } };
      },
    },
    close: async () => {},
  };
}
