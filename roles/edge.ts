/** The edge: who may call, and which region a request goes to. Long-lived: keys and the public name are in it. */
import type { DataBucket } from "../components/dataBucket.ts";
import { EdgeWatch } from "../components/edgeWatch.ts";
import { IngestEdge } from "../components/ingestEdge.ts";
import { KeyDirectory } from "../components/keyDirectory.ts";
import { type Home, standbyOf } from "../components/otherStacks.ts";
import type { Settings } from "../components/settings.ts";

/** API keys. */
export const declareKeys = ({ region, keyRegions, protect }: Settings): KeyDirectory =>
  new KeyDirectory("keys", { region, regions: keyRegions, protect });

/** @param home undefined until its stack is there. @param logs receives the access log */
export function declareEdge(settings: Settings, keys: KeyDirectory, home: Home | undefined, logs: DataBucket) {
  const { region, alarmEmail: email, protect, domain } = settings;
  const standbys = settings.standbyStacks.map(standbyOf);
  const edge = new IngestEdge("edge", { region, keys, home, standbys, logs, domain });
  watchOver(edge, email, protect);
  return {
    outputs: {
      edge: edge.outputs,
      /** Where callers send their requests. */
      url: edge.url,
      keysTable: keys.tableName,
      /** Secret with the peppers of API keys, for `npm run pepper`. */
      pepperSecret: keys.pepperArn,
    },
  };
}

function watchOver({ distribution }: IngestEdge, email: string | undefined, protect: boolean): void {
  if (distribution !== undefined) new EdgeWatch("edge-watch", { distribution, email, protect });
}
