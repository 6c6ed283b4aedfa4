/**
 * One door for every AWS call: an HTTP server for SDK clients, and `take` for what the threads of functions hand over by message, which
 * spares both sides HTTP (docs/decisions/carried-calls.md). Invariant: whichever way it comes, no call reaches a service unless the caller's role
 * may make it, and the caller is the role whose secret signed the call. A web page can't reach it either: a browser's calls name their
 * origin, and those of a name that was made to point here name another host.
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { errorAnswer } from "./awsErrors.ts";
import { type Claim, createVerifier, readClaim, type VerifySignature } from "./gateway/signature.ts";
import type { Iam, Refusal } from "./iam.ts";
import { isOwnHost } from "./ownHost.ts";
import { type ApiAnswer, type ApiCall, type LocalService, ServiceError, type TakeCall } from "./service.ts";

export interface Gateway {
  readonly url: string;
  readonly take: TakeCall;
  /** Names the services and the roles, once they exist. Before that every call is answered 503. */
  serve(services: readonly LocalService[], iam: Iam): void;
  /** Has calls to a region meet with silence, or not any more. */
  cutOff(region: string, off: boolean): void;
  close(): Promise<void>;
}

/** @param log told of each refusal and failure */
export async function startGateway(log: (line: string) => void): Promise<Gateway> {
  const apis = new Map<string, NonNullable<LocalService["api"]>>();
  const away = new Set<string>();
  let roles: Iam | undefined;
  let verify: VerifySignature | undefined;

  async function answer(unsigned: Omit<ApiCall, "caller">, claim: Claim | undefined): Promise<ApiAnswer> {
    if (roles === undefined || verify === undefined)
      throw new ServiceError("ServiceUnavailable", "the local platform is starting", 503);
    if (unsigned.headers.origin !== undefined || !isOwnHost(unsigned.headers.host))
      throw new ServiceError("AccessDenied", "The local platform takes no AWS calls from web pages.", 403);
    const caller = await verify(unsigned, claim);
    const call: ApiCall = { ...unsigned, caller };
    const api = apis.get(call.service);
    if (api === undefined) {
      throw new ServiceError(
        "UnknownService",
        `the local platform does not answer the AWS service "${call.service}"`,
        501,
      );
    }
    const refusal = roles.refusal(caller, api.authorizations(call));
    if (refusal !== undefined) throw new ServiceError("AccessDenied", refusalMessage(refusal), 403);
    return await api.call(call);
  }

  const take: TakeCall = async ({ method, url, headers, body }) => {
    const claim = readClaim({ url, headers });
    const region = claim?.region ?? "";
    if (away.has(region)) return undefined;
    const call: ApiCall = { service: claim?.service ?? "unknown", region, method, url, headers, body };
    try {
      return await answer(call, claim);
    } catch (cause) {
      const error = cause instanceof ServiceError ? cause : new ServiceError("InternalFailure", String(cause), 500);
      if (error.code === "AccessDenied") log(`AccessDenied ${error.message}`);
      else if (error.status >= 500) log(`${call.service} ${method} ${url}: ${error.code} ${error.message}`);
      return errorAnswer(call, error, randomUUID());
    }
  };

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => response.destroy());
    request.on("end", async () => {
      const result = await take({
        method: request.method as string,
        url: request.url as string,
        headers: request.headers as Record<string, string | undefined>,
        body: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks),
      });
      if (result === undefined) {
        request.socket.destroy();
        return;
      }
      if (response.destroyed) return;
      response.writeHead(result.status, {
        "content-length": String(Buffer.byteLength(result.body)),
        // Of HEAD the answer tells the length of what it leaves out.
        ...result.headers,
      });
      response.end(request.method === "HEAD" ? undefined : result.body);
    });
  }

  const server = createServer({ keepAliveTimeout: 60_000, noDelay: true }, handle);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take,
    serve(services, iam) {
      for (const { api } of services) if (api !== undefined) apis.set(api.name, api);
      roles = iam;
      verify = createVerifier({ callerOf: iam.callerOf });
    },
    cutOff(region, off) {
      if (off) away.add(region);
      else away.delete(region);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** AWS's own wording, so that the line can be searched for. */
function refusalMessage({ action, resource, role, decision }: Refusal): string {
  const because =
    decision === "explicit_deny"
      ? `with an explicit deny in an identity-based policy`
      : `because no identity-based policy allows the ${action} action`;
  return `User: ${role} is not authorized to perform: ${action} on resource: ${resource} ${because}`;
}
