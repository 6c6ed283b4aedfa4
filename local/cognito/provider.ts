/** The OpenID provider that stands in for a user pool's own sign-in pages: one button a person. */
import { generateKeyPairSync } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { LRUCache } from "lru-cache";
import Provider, { type Adapter, type AdapterPayload, interactionPolicy } from "oidc-provider";

export interface Client {
  readonly id: string;
  readonly secret: string;
  /** As they were declared; the host of each stands for this machine. */
  readonly callbacks: readonly string[];
}

export interface Person {
  /** On the button. */
  readonly name: string;
  readonly email: string;
}

export interface ProviderOptions {
  /** URL that it answers under. */
  readonly issuer: string;
  readonly clients: readonly Client[];
  readonly people: readonly Person[];
  /** Signs its cookies. */
  readonly key: string;
}

/** What it remembers for a while: a person who is signing in when the platform stops begins again. */
class Memory implements Adapter {
  static readonly kept = new LRUCache<string, AdapterPayload>({ max: 10_000 });
  private readonly kind: string;

  constructor(kind: string) {
    this.kind = kind;
  }
  private key(id: string): string {
    return `${this.kind} ${id}`;
  }
  async upsert(id: string, payload: AdapterPayload, seconds: number): Promise<void> {
    Memory.kept.set(this.key(id), payload, { ttl: seconds * 1_000 });
  }
  async find(id: string): Promise<AdapterPayload | undefined> {
    return Memory.kept.get(this.key(id));
  }
  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.search((payload) => payload.uid === uid);
  }
  async findByUserCode(): Promise<undefined> {
    return undefined;
  }
  async consume(id: string): Promise<void> {
    const payload = Memory.kept.get(this.key(id));
    if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1_000);
  }
  async destroy(id: string): Promise<void> {
    Memory.kept.delete(this.key(id));
  }
  /** Of its own kind alone: a sign-in as another person revokes the last one's grant, which its own interaction names too. */
  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [key, payload] of this.own()) if (payload.grantId === grantId) Memory.kept.delete(key);
  }
  private search(fits: (payload: AdapterPayload) => boolean): AdapterPayload | undefined {
    for (const [, payload] of this.own()) if (fits(payload)) return payload;
    return undefined;
  }
  private *own(): Generator<[key: string, payload: AdapterPayload]> {
    for (const [key, payload] of Memory.kept.entries()) if (key.startsWith(`${this.kind} `)) yield [key, payload];
  }
}

const idOf = (person: Person): string => person.email.split("@")[0]!;

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const STYLE = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 24rem; margin: 12vh auto; padding: 0 1rem; }
  h1 { font-size: 1.4rem; }
  form { display: grid; gap: .5rem; }
  button { font: inherit; padding: .6rem 1rem; border-radius: .5rem; border: 1px solid #888; cursor: pointer; text-align: left; }
  p { color: #666; }
  @media (prefers-color-scheme: dark) { p { color: #aaa; } }`;

const page = (people: readonly Person[], action: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sign in here</title>
<style>${STYLE}</style></head>
<body><main><h1>Who are you?</h1><p>This stands in for your company's sign-in. It runs on this machine alone, so nobody needs a password.</p>
<form method="post" action="${action}">
${people.map((person) => `<button name="person" value="${escaped(idOf(person))}">${escaped(person.name)}</button>`).join("\n")}
</form></main></body></html>`;

const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

async function personIn(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new URLSearchParams(Buffer.concat(chunks).toString("utf8")).get("person");
}

/** @returns what answers its requests */
export function createProvider({ issuer, clients, people, key }: ProviderOptions) {
  const signing = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey.export({ format: "jwk" });
  const policy = interactionPolicy.base();
  // Who signs in is asked for every time, as if nobody had before: one person tries several roles here.
  policy
    .get("login")!
    .checks.add(
      new interactionPolicy.Check("always", "every sign-in chooses a person", ({ oidc }) =>
        oidc.result?.login === undefined
          ? interactionPolicy.Check.REQUEST_PROMPT
          : interactionPolicy.Check.NO_NEED_TO_PROMPT,
      ),
    );
  const provider = new Provider(issuer, {
    adapter: Memory,
    clients: clients.map(({ id, secret, callbacks }) => ({
      client_id: id,
      client_secret: secret,
      redirect_uris: [...callbacks],
      response_types: ["code"],
      grant_types: ["authorization_code"],
      token_endpoint_auth_method: "client_secret_post",
    })),
    jwks: { keys: [{ ...signing, use: "sig", alg: "RS256" }] },
    cookies: { keys: [key] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    // Cognito puts them into the token.
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { policy, url: (_, { uid }) => `/person/${uid}` },
    ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 3_600, IdToken: 300, Interaction: 600, Session: 3_600 },
    async findAccount(_, id) {
      const person = people.find((each) => idOf(each) === id);
      if (person === undefined) return undefined;
      return {
        accountId: id,
        claims: async () => ({ sub: id, name: person.name, email: person.email, email_verified: true }),
      };
    },
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({
        clientId: oidc.client!.clientId,
        accountId: oidc.session!.accountId!,
      });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
    renderError(ctx, { error, error_description }) {
      ctx.type = "text";
      ctx.body = `${error}: ${error_description ?? ""}`;
    },
  });
  // The program declares the name of its distribution, which answers on this machine under a port.
  provider.Client.prototype.redirectUriAllowed = function allowed(this: { redirectUris?: string[] }, uri: string) {
    const url = URL.parse(uri);
    if (url === null || url.hash !== "" || !LOOPBACK.has(url.hostname)) return false;
    return (this.redirectUris ?? []).some((declared) => new URL(declared).pathname === url.pathname);
  };
  const answer = provider.callback();
  return (request: IncomingMessage, response: ServerResponse): void => {
    if (!request.url?.startsWith("/person/")) return void answer(request, response);
    const failed = (cause: Error) => response.writeHead(400, { "content-type": "text/plain" }).end(cause.message);
    if (request.method === "POST") {
      personIn(request)
        .then((accountId) => {
          if (!people.some((each) => idOf(each) === accountId)) throw new Error("There is no such person.");
          const login = { accountId: accountId!, remember: false };
          return provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
        })
        .catch(failed);
      return;
    }
    provider
      .interactionDetails(request, response)
      .then(({ uid }) =>
        response
          .writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" })
          .end(page(people, `/person/${uid}`)),
      )
      .catch(failed);
  };
}
