import ipaddr from "ipaddr.js";

/**
 * The guard against webhooks that point inwards (SSRF). Invariant: a webhook is only ever dialled at an address that
 * `forbiddenAddress` let pass, and only when its URL passed `checkWebhookUrl`. The first is upheld by the connector in
 * runtime/deliver/connect.ts (it checks every resolved address and connects to the one it checked), the second by
 * the API when it stores a URL, and again by deliver before each post. Without them a customer could make the platform call its
 * own metadata service, the Lambda runtime API, or a neighbour.
 */

export interface UrlRules {
  /** True only on the local platform: allows http and loopback hosts, never port 9001. */
  readonly allowLoopback: boolean;
  /** Where the platform itself listens on this machine: loopback with one of these ports is no webhook. */
  readonly ownPorts?: ReadonlySet<number>;
  /** The platform's own public hosts, in lower case: what is posted there would come in as an event and be posted again. */
  readonly ownHosts?: ReadonlySet<string>;
}

/** What a function's environment says of webhooks. `LOCAL_PORTS` is there on the local platform alone. */
export interface UrlSettings {
  readonly ALLOW_LOOPBACK_WEBHOOKS?: string | undefined;
  readonly OWN_HOSTS?: string | undefined;
  readonly LOCAL_PORTS?: string | undefined;
}

const listed = (text = ""): string[] => text.split(",").filter((one) => one !== "");

export const urlRulesOf = ({ ALLOW_LOOPBACK_WEBHOOKS, OWN_HOSTS, LOCAL_PORTS }: UrlSettings): UrlRules => ({
  allowLoopback: ALLOW_LOOPBACK_WEBHOOKS === "true",
  ownPorts: new Set(listed(LOCAL_PORTS).map(Number)),
  ownHosts: new Set(listed(OWN_HOSTS).map((host) => host.toLowerCase())),
});

export type UrlCheck =
  | { readonly ok: true; readonly url: URL }
  | { readonly ok: false; readonly reason: UrlFault; readonly message: string };

/** Why a URL is no webhook, in the order they are looked for. */
export type UrlFault = "too_long" | "character" | "not_a_url" | "scheme" | "userinfo" | "port" | "host" | "address";

const MAX_URL = 2_048;
/** Where the Lambda runtime API listens inside every function's sandbox. */
const RUNTIME_API_PORT = 9001;
/**
 * Privileged ports other than https never carry a webhook; of the others, those the Fetch standard blocks, data stores, and what
 * configures servers and clusters (Caddy, Docker, etcd, Nomad, Kubernetes, Consul).
 */
const BLOCKED_PORTS = new Set([
  1719, 1720, 1723, 2019, 2049, 2375, 2376, 2379, 2380, 3306, 3389, 3659, 4045, 4190, 4646, 5060, 5061, 5432, 5672,
  5984, 6000, 6379, 6443, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 8500, 9001, 9042, 9092, 9200, 9300, 10080,
  10250, 11211, 27017,
]);
const HTTPS_PORT = 443;
const FIRST_UNPRIVILEGED = 1_024;

/**
 * What no URL holds (RFC 3986): the parser of the WHATWG drops or replaces it, so that another host may be meant than is
 * read. Letters beyond ASCII are taken, as their UTF-8 and punycode.
 */
const NO_URL = /[\p{Cc}\p{Cs}\p{Z}\\]/u;

/**
 * Names that are valid only inside a network, or are reserved: RFC 6761, 6762, 7686, 8375, 9476 and what clouds and home
 * routers use.
 */
const LOCAL_SUFFIXES = [
  "test",
  "example",
  "invalid",
  "localhost",
  "local",
  "internal",
  "intranet",
  "localdomain",
  "lan",
  "home",
  "corp",
  "private",
  "home.arpa",
  "in-addr.arpa",
  "ip6.arpa",
  "onion",
  "alt",
];

/** Public by number, internal by use: Azure's host services answer on this address inside its networks. */
const INTERNAL_BY_USE = new Set(["168.63.129.16"]);
/** Addresses handed out to hosts on the internet (IANA): everything else in IPv6 is special. */
const GLOBAL_UNICAST_V6: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse("2000::"), 3];

/** Two labels or more (RFC 1123; underscores are met in practice). */
const NAME = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const MAX_NAME = 253;

const fault = (reason: UrlFault, message: string): UrlCheck => ({ ok: false, reason, message });

/**
 * Whether the platform would post to this URL, as far as its text tells (names still have to be resolved).
 * @returns the parsed URL, or the first fault with a message fit for the caller
 */
export function checkWebhookUrl(text: string, rules: UrlRules): UrlCheck {
  if (text.length > MAX_URL) return fault("too_long", `The webhook URL is longer than ${MAX_URL} characters.`);
  if (NO_URL.test(text))
    return fault("character", "The webhook URL holds a space, a control character or a backslash, which no URL does.");
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return fault("not_a_url", "The webhook URL is not an absolute URL.");
  }
  if (url.href.length > MAX_URL) return fault("too_long", `The webhook URL is longer than ${MAX_URL} characters.`);
  const host = bareHost(url);
  const loopback = rules.allowLoopback && isLoopbackHost(host);
  if (url.protocol !== "https:" && !(loopback && url.protocol === "http:"))
    return fault("scheme", "The webhook URL must begin with https://.");
  if (url.username !== "" || url.password !== "" || hasUserinfo(text))
    return fault("userinfo", "The webhook URL must not contain a user name or password.");
  const port = url.port === "" ? (url.protocol === "http:" ? 80 : HTTPS_PORT) : Number(url.port);
  if (loopback) {
    if (port === RUNTIME_API_PORT || rules.ownPorts?.has(port) === true)
      return fault("port", `The webhook URL must not use port ${port}.`);
    return { ok: true, url };
  }
  if (port !== HTTPS_PORT && (port < FIRST_UNPRIVILEGED || BLOCKED_PORTS.has(port)))
    return fault("port", `The webhook URL must not use port ${port}.`);
  if (ipaddr.isValid(host)) {
    const why = forbiddenAddress(host, rules);
    if (why !== undefined) return fault("address", `The webhook URL's address ${host} is not public (${why}).`);
    return { ok: true, url };
  }
  if (rules.ownHosts?.has(host) === true)
    return fault("host", `The webhook URL's host "${host}" is the platform's own.`);
  if (
    !NAME.test(host) ||
    host.length > MAX_NAME ||
    LOCAL_SUFFIXES.some((suffix) => host === suffix || host.endsWith(`.${suffix}`))
  )
    return fault("host", `The webhook URL's host "${host}" is not a public name.`);
  return { ok: true, url };
}

/**
 * One text for all spellings that reach one endpoint, as it is stored and shown: the parsed URL (case of scheme and host,
 * default port, dots in the path) without fragment, empty query and the host's last dot, escapes as RFC 3986, 6.2.2, has
 * them. What is no webhook at all stays as it is, for `checkWebhookUrl` to refuse.
 */
export function canonicalUrl(text: string): string {
  if (text.length > MAX_URL || NO_URL.test(text) || hasUserinfo(text) || !URL.canParse(text)) return text;
  const url = new URL(text);
  url.hash = "";
  if (url.search === "") url.search = "";
  // One dot at the end is the root's; a host that ends in two is not a name.
  url.hostname = url.hostname.replace(/(?<!\.)\.$/, "");
  url.pathname = withPlainEscapes(url.pathname);
  if (url.search !== "") url.search = withPlainEscapes(url.search);
  return url.href;
}

/** Escapes of characters that need none are written out; the others have capitals. */
const withPlainEscapes = (text: string): string =>
  text.replace(/%[0-9a-f]{2}/gi, (written) => {
    const character = String.fromCharCode(Number.parseInt(written.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : written.toUpperCase();
  });

/** An empty userinfo (`https://@host`) leaves no trace in the parsed URL, but misleads its reader. */
const hasUserinfo = (text: string): boolean => /^[a-z]+:[\\/]*[^\\/?#]*@/i.test(text.trim());

/** The host without brackets or the root's dot, in lower case as the URL parser leaves it. */
const bareHost = (url: URL): string => url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");

const isLoopbackHost = (host: string): boolean =>
  host === "localhost" || host.endsWith(".localhost") || (ipaddr.isValid(host) && rangeOf(host) === "loopback");

const rangeOf = (address: string): string => {
  const parsed = ipaddr.process(address); // a v4-mapped address is judged as the v4 address it is
  const range = parsed.range();
  if (range !== "unicast") return range;
  if (INTERNAL_BY_USE.has(parsed.toString())) return "internal";
  if (parsed.kind() === "ipv6" && !(parsed as ipaddr.IPv6).match(GLOBAL_UNICAST_V6)) return "reserved";
  return range;
};

/**
 * Why this address must not be dialled, in the words of IANA's special-purpose registries as ipaddr.js has them
 * (`private`, `linkLocal`, `6to4`, …); undefined when it is public. Text that is no address is `invalid`.
 */
export function forbiddenAddress(address: string, rules: UrlRules): string | undefined {
  if (!ipaddr.isValid(address)) return "invalid";
  const range = rangeOf(address);
  if (range === "unicast" || (range === "loopback" && rules.allowLoopback)) return undefined;
  return range;
}

/** Headers a subscription may not set itself, lower case: they are the platform's or the connection's. */
const RESERVED = new Set([
  "host",
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
  "http2-settings",
]);
const RESERVED_PREFIXES = ["content-", "webhook-", "triggers-", ":"];
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
/** Visible ASCII, spaces and tabs inside (RFC 9110, 5.5), at most 4,096 of them. */
const VALUE = /^[\x21-\x7e](?:[\t\x20-\x7e]{0,4094}[\x21-\x7e])?$/;

/** What is wrong with a subscription's custom header, fit for the caller (`invalid_header`); undefined when nothing is. */
export function headerFault(name: string, value: string): string | undefined {
  const lower = name.toLowerCase();
  if (RESERVED.has(lower) || RESERVED_PREFIXES.some((prefix) => lower.startsWith(prefix)))
    return `The header "${name}" is reserved.`;
  if (!TOKEN.test(name)) return `"${name}" is not a header name.`;
  if (!VALUE.test(value)) return `The value of the header "${name}" can't be sent.`;
  return undefined;
}
