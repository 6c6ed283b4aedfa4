import { clientsOver } from "../../../runtime/aws/clients.ts";
import { publisherOver, tellOver } from "../../../runtime/aws/publisher.ts";
import type { Call } from "../../../runtime/aws/signed.ts";

/** Tells over AWS calls that are counted and never made. */
export function counted() {
  const calls: Call[] = [];
  const { invokeLater } = clientsOver({
    perform: async (call) => {
      calls.push(call);
      return { status: 202, headers: {}, body: Buffer.alloc(0) };
    },
    json: async () => ({}),
    objectPath: () => "",
  });
  return { calls, tell: tellOver(publisherOver(invokeLater, "publish"), () => {}) };
}
