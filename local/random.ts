import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { join } from "node:path";
import { onlySupports, optional } from "./declared.ts";
import { JsonFile } from "./jsonFile.ts";
import type { Created, LocalContext, LocalService, ResourceRequest } from "./service.ts";

/** Pulumi's `random` provider: values drawn once and kept in the state, as they are in a stack's. */
const LOWER = "abcdefghijklmnopqrstuvwxyz";
const DIGITS = "0123456789";
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

export function createRandom(context: LocalContext): LocalService {
  const file = new JsonFile<Record<string, string>>(join(context.state, "random.json"), {});

  /** The value kept under type and name, drawn first if there is none. */
  function remembered({ type, name }: ResourceRequest, draw: () => string): string {
    const key = `${type} ${name}`;
    if (file.value[key] === undefined) {
      file.value[key] = draw();
      file.save();
    }
    return file.value[key];
  }

  async function createPassword(request: ResourceRequest): Promise<Created> {
    const { inputs } = request;
    onlySupports(
      request,
      "length special upper lower number numeric overrideSpecial keepers minLower minUpper minNumeric minSpecial",
    );
    const length = optional(inputs, "length", "number") ?? 0;
    const alphabet = [
      inputs.lower === false ? "" : LOWER,
      inputs.upper === false ? "" : LOWER.toUpperCase(),
      inputs.numeric === false || inputs.number === false ? "" : DIGITS,
      inputs.special === false ? "" : (optional(inputs, "overrideSpecial", "string") ?? SPECIAL),
    ].join("");
    const result = remembered(request, () =>
      Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join(""),
    );
    return { id: "none", state: { ...inputs, result } };
  }

  async function createId(request: ResourceRequest): Promise<Created> {
    onlySupports(request, "byteLength prefix keepers");
    const hex = remembered(request, () =>
      randomBytes(optional(request.inputs, "byteLength", "number") ?? 0).toString("hex"),
    );
    const bytes = Buffer.from(hex, "hex");
    const prefix = optional(request.inputs, "prefix", "string") ?? "";
    const id = bytes.toString("base64url");
    return {
      id,
      state: {
        ...request.inputs,
        hex: prefix + hex,
        b64Url: prefix + id,
        b64Std: prefix + bytes.toString("base64"),
        dec: prefix + BigInt(`0x${hex}`).toString(),
      },
    };
  }

  async function createUuid(request: ResourceRequest): Promise<Created> {
    const result = remembered(request, randomUUID);
    return { id: result, state: { ...request.inputs, result } };
  }

  return {
    resources: {
      "random:index/randomPassword:RandomPassword": createPassword,
      "random:index/randomString:RandomString": createPassword,
      "random:index/randomId:RandomId": createId,
      "random:index/randomBytes:RandomBytes": async (request) => {
        const hex = remembered(request, () =>
          randomBytes(optional(request.inputs, "length", "number") ?? 0).toString("hex"),
        );
        return { id: "none", state: { ...request.inputs, hex, base64: Buffer.from(hex, "hex").toString("base64") } };
      },
      "random:index/randomUuid:RandomUuid": createUuid,
    },
    async close() {},
  };
}
