import { request } from "node:http";

/** The status of a GET whose header names another host than the URL does, which `fetch` can't send. */
export const statusFor = (url: string, host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    request(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    })
      .on("error", reject)
      .end();
  });
