/**
 * Amazon Cognito on one machine: user pools that a program declares, with a real OpenID provider in place of their sign-in pages. Its people
 * are those of the demo, who have no password: it listens on loopback alone.
 */

import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import type { Client, Person } from "./cognito/provider.ts";
import { onlySupports, optional, physicalName, required } from "./declared.ts";
import { JsonFile } from "./jsonFile.ts";
import { listen } from "./listen.ts";
import type { Created, LocalContext, LocalService, ResourceRequest } from "./service.ts";

interface Kept {
  port: number;
  readonly secrets: Record<string, string>;
}

const invalid = (message: string) => new Error(`InvalidParameterException: ${message}`);

/** @param people who may sign in, one button each */
export async function createCognito(context: LocalContext, people: readonly Person[]): Promise<LocalService> {
  const file = new JsonFile<Kept>(join(context.state, "cognito.json"), { port: 0, secrets: {} });
  const pools = new Set<string>();
  const clients: Client[] = [];
  let server: Server | undefined;
  let issuer = "";

  const idOf = (name: string): string => createHash("sha256").update(name).digest("hex");

  /** Loaded by the first who signs in: nobody waits for it at a start. */
  let answering: Promise<(request: IncomingMessage, response: ServerResponse) => void> | undefined;
  const answer = () => {
    answering ??= import("./cognito/provider.ts").then(({ createProvider }) =>
      createProvider({ issuer, clients, people, key: secretOf("cookies") }),
    );
    return answering;
  };

  function secretOf(what: string): string {
    file.value.secrets[what] ??= randomBytes(32).toString("base64url");
    file.save();
    return file.value.secrets[what];
  }

  /** The port of the last run, so that what browsers remember stays true; any other where it is taken. */
  async function begin(): Promise<void> {
    if (server !== undefined) return;
    const listening = createServer((request, response) => {
      answer()
        .then((handle) => handle(request, response))
        .catch((cause: unknown) => {
          context.log(`sign-in: ${String(cause)}`);
          response.writeHead(500).end();
        });
    });
    server = listening;
    file.value.port = await listen(listening, file.value.port);
    file.save();
    context.ownPorts?.add(file.value.port);
    issuer = `http://127.0.0.1:${file.value.port}`;
  }

  async function createPool(request: ResourceRequest): Promise<Created> {
    onlySupports(
      request,
      "name adminCreateUserConfig usernameAttributes autoVerifiedAttributes mfaConfiguration softwareTokenMfaConfiguration passwordPolicy accountRecoverySetting deletionProtection",
    );
    const { inputs } = request;
    const name = physicalName(request);
    if (!/^[\w\s+=,.@-]{1,128}$/.test(name)) throw invalid(`"${name}" is not a pool's name`);
    const { minimumLength = 8 } = (inputs.passwordPolicy ?? {}) as { minimumLength?: number };
    if (minimumLength < 6 || minimumLength > 99) throw invalid("passwordPolicy.minimumLength is from 6 to 99");
    if (inputs.mfaConfiguration !== "OFF" && inputs.softwareTokenMfaConfiguration === undefined)
      throw invalid("a second factor is asked for, and none is configured");
    await begin();
    const id = `${context.region}_${idOf(name).slice(0, 9)}`;
    pools.add(id);
    return {
      id,
      state: {
        ...inputs,
        name,
        arn: `arn:aws:cognito-idp:${context.region}:${context.accountId}:userpool/${id}`,
        endpoint: `127.0.0.1:${file.value.port}`,
      },
    };
  }

  async function createClient(request: ResourceRequest): Promise<Created> {
    onlySupports(
      request,
      "name userPoolId generateSecret allowedOauthFlowsUserPoolClient allowedOauthFlows allowedOauthScopes supportedIdentityProviders callbackUrls preventUserExistenceErrors enableTokenRevocation explicitAuthFlows",
    );
    const { inputs } = request;
    if (!pools.has(required(request, "userPoolId"))) throw new Error("ResourceNotFoundException: no such user pool");
    const callbacks = (inputs.callbackUrls ?? []) as string[];
    // Source: Cognito API reference, CreateUserPoolClient, CallbackURLs.
    for (const url of callbacks) {
      const { protocol, hostname, hash } = new URL(url);
      if (hash !== "" || (protocol !== "https:" && !(protocol === "http:" && hostname === "localhost")))
        throw invalid(`${url} is no callback URL: https, without a fragment`);
    }
    if (inputs.allowedOauthFlowsUserPoolClient === true && callbacks.length === 0)
      throw invalid("a client with the flow code needs a callback URL");
    const flows = (inputs.allowedOauthFlows ?? []) as string[];
    if (flows.some((flow) => flow !== "code")) throw new Error("only the flow code is served locally");
    if (inputs.generateSecret !== true) throw new Error("only clients with a secret are served locally");
    const name = `${required(request, "userPoolId")} ${physicalName(request)}`;
    const client = { id: idOf(name).slice(0, 26), secret: secretOf(name), callbacks };
    clients.push(client);
    return { id: client.id, state: { ...inputs, name: physicalName(request), clientSecret: client.secret } };
  }

  async function createDomain(request: ResourceRequest): Promise<Created> {
    onlySupports(request, "domain userPoolId");
    const domain = required(request, "domain");
    // Source: Cognito API reference, CreateUserPoolDomain; developer guide, "Using the Amazon Cognito domain".
    if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(domain) || /aws|amazon|cognito/.test(domain))
      throw invalid(`"${domain}" is no prefix: lower case, digits, hyphens, and neither aws, amazon nor cognito`);
    if (!pools.has(required(request, "userPoolId"))) throw new Error("ResourceNotFoundException: no such user pool");
    return { id: domain, state: { ...request.inputs, domain: optional(request.inputs, "domain", "string") } };
  }

  return {
    resources: {
      "aws:cognito/userPool:UserPool": createPool,
      "aws:cognito/userPoolClient:UserPoolClient": createClient,
      "aws:cognito/userPoolDomain:UserPoolDomain": createDomain,
    },
    async close() {
      const closing = server;
      if (closing === undefined) return;
      closing.closeAllConnections();
      await new Promise((resolve) => closing.close(resolve));
    },
  };
}
