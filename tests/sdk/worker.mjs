/** The conformance table in a worker: cases come in by a request, what came of them goes out by its answer. */
import { conformance } from "./cases.mjs";
import * as sdk from "./index.js";
import * as lossless from "./lossless.js";

const carryOut = conformance({ sdk, lossless });

export default {
  async fetch(request) {
    return Response.json(await Promise.all((await request.json()).map(carryOut)));
  },
};
