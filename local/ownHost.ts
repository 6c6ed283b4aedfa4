/** Names of this machine, with the port, and buckets before them. */
const OWN_HOST = /^(?:[a-z0-9.-]+\.)?(?:localhost|127\.0\.0\.1|\[::1\]):\d+$/i;

/**
 * Whether a request was sent to this machine by one of its own names. A web page whose name was made to point here names another host, and reads
 * nothing.
 * @param host value of the header, such as `127.0.0.1:8080`
 */
export const isOwnHost = (host: string | undefined): boolean => OWN_HOST.test(host ?? "");
