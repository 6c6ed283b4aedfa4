import type { AddressInfo, Server } from "node:net";

/** Has a server listen on loopback: on this port, or on any other where it is taken. @returns the port */
export async function listen(server: Server, port: number): Promise<number> {
  const on = (wanted: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(wanted, "127.0.0.1", () => {
        server.off("error", reject);
        resolve();
      });
    });
  await on(port).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "EADDRINUSE") throw cause;
    return on(0);
  });
  return (server.address() as AddressInfo).port;
}
