import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { sql } from "kysely";
import { noSuch } from "../../domain/errors/errors.ts";
import { failureOf } from "../../domain/errors/failures.ts";
import { errorClasses } from "../../domain/metrics/names.ts";
import {
  type Problem,
  type ProblemState,
  parseProblemId,
  problemId,
  problemStates,
  stateOf,
} from "../../domain/problem.ts";
import { type Millis, rfc3339 } from "../../domain/time.ts";
import { findProblem, readProblems, sayOfProblem } from "../../store/problems.ts";
import { asCaller } from "../asCaller.ts";
import { change } from "../audited.ts";
import { listQuery, openList, pageOf, repeatable } from "../cursor.ts";
import { type Api, type ApiEnv, type Deps, eventsOf } from "../deps.ts";
import { route } from "../route.ts";
import { idIn, Timestamp } from "../schemas.ts";
import { beginReplay, ReplaySchema, replayRate, viewReplay } from "./replays.ts";

const TAG = "Problems";

const ProblemSchema = z
  .object({
    problem_id: z.string(),
    subscription_id: z.string(),
    workflow_id: z.string().nullable(),
    error: z.enum(errorClasses),
    status_code: z.number().int().optional().openapi({ description: "Present if the endpoint answered." }),
    state: z.enum(problemStates),
    count: z.number().int().openapi({ description: "Attempts that failed." }),
    events: z.number().int().openapi({ description: "Events that it happened to." }),
    first_at: Timestamp,
    last_at: Timestamp,
    sample_delivery_id: z.string().openapi({ description: "The last delivery that failed like this." }),
    explanation: z.string(),
    advice: z.string(),
  })
  .openapi("Problem");

const ProblemId = z.object({ id: idIn("prb", (id) => parseProblemId(id) !== undefined) });

/** Where a page ended: problems are listed by their last failure. */
interface Position {
  readonly last_at: Millis;
  readonly id: string;
}

const idOf = (problem: Problem): string => problemId(problem.subscription_id, problem);

function viewProblem(problem: Problem, workflow: string | null, now: Millis) {
  const { subscription_id, error, status_code, count, events, first_at, last_at, sample_delivery_id } = problem;
  return {
    problem_id: idOf(problem),
    subscription_id,
    workflow_id: workflow,
    error,
    ...(status_code === null ? {} : { status_code }),
    state: stateOf(problem, now),
    count,
    events,
    first_at: rfc3339(first_at),
    last_at: rfc3339(last_at),
    sample_delivery_id,
    ...failureOf(error, status_code),
  };
}

export function register(app: Api, deps: Deps): void {
  async function workflowsOf(c: Context<ApiEnv>, problems: readonly Problem[]): Promise<Map<string, string | null>> {
    const ids = [...new Set(problems.map(({ subscription_id }) => subscription_id))];
    if (ids.length === 0) return new Map();
    const rows = await asCaller(deps, c, (tx) =>
      tx
        .selectFrom("subscriptions")
        .select(["subscription_id", sql<string | null>`definition->>'workflow_id'`.as("workflow_id")])
        .where("tenant", "=", c.get("tenant"))
        .where("subscription_id", "in", ids)
        .execute(),
    );
    return new Map(rows.map(({ subscription_id, workflow_id }) => [subscription_id, workflow_id]));
  }

  async function found(c: Context<ApiEnv>, id: string): Promise<Problem> {
    const named = parseProblemId(id)!;
    const problem = await findProblem(eventsOf(deps), c.get("tenant"), named);
    if (problem === undefined) throw noSuch("problem", id);
    return problem;
  }

  async function viewed(c: Context<ApiEnv>, problem: Problem) {
    const workflows = await workflowsOf(c, [problem]);
    return viewProblem(problem, workflows.get(problem.subscription_id) ?? null, deps.now());
  }

  route(
    app,
    {
      method: "get",
      path: "/problems",
      tag: TAG,
      summary: "List problems: what fails, why, and how to fix it",
      description:
        "Failed attempts of the last 90 days, grouped by subscription and error, those that failed last first. One resolves by itself after 30 minutes of success, and opens again when it recurs.",
      scope: "events:read",
      query: z.strictObject({
        ...listQuery,
        state: repeatable(z.enum(problemStates)).optional().openapi({ description: "In one of these states." }),
      }),
      responses: pageOf("problems", ProblemSchema),
    },
    async (c, { query }) => {
      const tenant = c.get("tenant");
      const now = deps.now();
      const states = query.state === undefined ? undefined : [...new Set(query.state)].sort();
      const list = await openList<Position>(deps, `${tenant}:problems:${states?.join(",") ?? ""}`, query);
      const { after } = list;
      const all = await readProblems(eventsOf(deps), tenant);
      const wanted = all
        .filter((problem) => states?.includes(stateOf(problem, now)) ?? true)
        .map((problem) => ({ problem, id: idOf(problem) }))
        .sort((a, b) => b.problem.last_at - a.problem.last_at || (a.id < b.id ? -1 : 1))
        .filter(
          ({ problem: { last_at }, id }) =>
            after === undefined || last_at < after.last_at || (last_at === after.last_at && id > after.id),
        )
        .slice(0, list.toRead);
      const workflows = await workflowsOf(
        c,
        wanted.map(({ problem }) => problem),
      );
      const { items, next_cursor } = await list.page(
        wanted,
        ({ problem }) => viewProblem(problem, workflows.get(problem.subscription_id) ?? null, now),
        ({ problem, id }) => ({ last_at: problem.last_at, id }),
      );
      return c.json({ problems: items, next_cursor });
    },
  );

  const decisions: readonly (readonly [verb: string, state: ProblemState, summary: string, description: string])[] = [
    ["acknowledge", "acknowledged", "Say that somebody looks after a problem", "It still resolves by itself."],
    [
      "mute",
      "muted",
      "Hide a problem",
      "It stays muted until it is acknowledged or resolved, also when it fails again.",
    ],
    ["resolve", "resolved", "Say that a problem is solved", "It opens again when it recurs."],
  ];
  for (const [verb, state, summary, description] of decisions)
    route(
      app,
      {
        method: "post",
        path: `/problems/{id}/${verb}`,
        idempotent: true,
        tag: TAG,
        summary,
        description: `${description} Repeating it is harmless.`,
        scope: "events:read",
        action: `problem.${verb}`,
        params: ProblemId,
        responses: { 200: { description: "The problem as it stands now.", schema: ProblemSchema } },
      },
      async (c, { params }) => {
        await change(deps, c, c.get("identity").customer_id, async (_tx, tell) => {
          const named = parseProblemId(params.id)!;
          const said = await sayOfProblem(eventsOf(deps), c.get("tenant"), named, state, deps.now());
          if (!said) throw noSuch("problem", params.id);
          tell(params.id);
        });
        return c.json(await viewed(c, await found(c, params.id)));
      },
    );

  route(
    app,
    {
      method: "post",
      path: "/problems/{id}/retry",
      idempotent: true,
      tag: TAG,
      summary: "Try all deliveries of a problem again",
      description:
        "Those that failed like this last and have not arrived since: given up, or still waiting. Each starts its schedule anew.",
      scope: "events:read",
      action: "problem.retry",
      params: ProblemId,
      responses: {
        202: { description: "Read it at `GET /replays/{id}`, with its counts.", schema: ReplaySchema },
      },
      errors: ["unprocessable"],
    },
    async (c, { params }) => {
      const { subscription_id, error, status_code } = await found(c, params.id);
      const request = {
        dead_letters: true as const,
        subscription_ids: [subscription_id],
        problem: { error, status_code },
        to: rfc3339(deps.now() + 1),
        rate_per_second: replayRate(undefined, c.get("identity")),
      };
      return c.json(viewReplay(await beginReplay(deps, c, request, [subscription_id])), 202);
    },
  );
}
