import { connect } from "../database/connect.ts";
import { readEnvironment } from "../domain/environment.ts";
import type { ServiceRequest } from "../domain/service.ts";
import { subscriptionsVariables } from "./environment.ts";
import { serve } from "./service.ts";

const db = connect(readEnvironment(subscriptionsVariables));

/** Invoked by the platform's other functions: a `ServiceRequest` in, the operation's answer out. */
export const handler = (request: ServiceRequest) => serve(db, request, Date.now());
