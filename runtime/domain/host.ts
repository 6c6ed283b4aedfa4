/** Only a machine by itself has such names: no certificate can be had for them. */
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/;

/** How a host is reached. @param host with its port, if it has one */
export const schemeOf = (host: string): "http" | "https" => (LOOPBACK.test(host) ? "http" : "https");

/** Where a host is reached, without a slash at the end. */
export const originOf = (host: string): string => `${schemeOf(host)}://${host}`;
