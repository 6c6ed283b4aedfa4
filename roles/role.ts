import { logBucket } from "../components/foundation.ts";
import { edgeOf, homeOf, KeysElsewhere } from "../components/otherStacks.ts";
import type { Settings } from "../components/settings.ts";
import { declareEdge, declareKeys } from "./edge.ts";
import { declareBackups, declareRegion } from "./region.ts";
import { declareStandby } from "./standby.ts";

type Declared = Partial<
  ReturnType<typeof declareEdge>["outputs"] &
    ReturnType<typeof declareRegion>["outputs"] &
    ReturnType<typeof declareStandby>["outputs"]
>;

const roles: { readonly [R in Settings["role"]]: (settings: Settings) => Declared } = {
  all(settings) {
    const keys = declareKeys(settings);
    const region = declareRegion(settings, keys, [keys.table.table.arn]);
    return { ...region.outputs, ...declareEdge(settings, keys, region.home, region.logs).outputs };
  },
  edge(settings) {
    const home = settings.homeStack === undefined ? undefined : homeOf(settings.homeStack);
    const keys = declareKeys(settings);
    declareBackups(settings, [keys.table.table.arn]);
    return declareEdge(settings, keys, home, logBucket(settings)).outputs;
  },
  region(settings) {
    return declareRegion(settings, new KeysElsewhere(edgeOf(settings.edgeStack!), settings.region), []).outputs;
  },
  standby: (settings) => declareStandby(settings, edgeOf(settings.edgeStack!), homeOf(settings.homeStack!)).outputs,
};

/** Declares what belongs to the stack's role. @returns the stack's outputs, of which a role has some */
export const declareRole = (settings: Settings): Declared =>
  Object.fromEntries(Object.entries(roles[settings.role](settings)).filter(([, output]) => output !== undefined));
