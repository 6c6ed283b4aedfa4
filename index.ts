/**
 * The platform, in the role that the stack's configuration gives it:
 *
 *   all      edge and home region in one stack
 *   edge     keys, the public endpoint, which region a request goes to          roles/edge.ts
 *   region   the home region: everything that happens to an event              roles/region.ts
 *   standby  a second region that takes events in while the home region can't   roles/standby.ts
 *
 *   caller ── edge ──> home region ──> webhook
 *               └ ─ ─> standby ─ ─ ─┘
 */
import { readSettings } from "./components/settings.ts";
import { declareRole } from "./roles/role.ts";

export default declareRole(readSettings());
