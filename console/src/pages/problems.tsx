import { useQueryClient } from "@tanstack/react-query";
import { Link } from "wouter";
import { call, otherSide } from "../api.ts";
import { countOf } from "../format.ts";
import { useMay } from "../session.tsx";
import type { Problem } from "../types.ts";
import { Button, Empty, Page, Sentence, Status, When } from "../ui/basic.tsx";
import { Choice, FilterBar } from "../ui/filters.tsx";
import { Listed, useList } from "../ui/list.tsx";
import { Confirm } from "../ui/overlay.tsx";
import { keep, maybeOneOf, useHere, useUrl } from "../url.ts";

const states = ["open", "acknowledged", "resolved", "muted"] as const;
const own = { state: maybeOneOf(states) };

/** Failures by subscription and cause: what it is, what to do about it, and everything of it tried again. */
export default function Problems() {
  const [state, set] = useUrl(own);
  const here = useHere();
  const may = useMay();
  const client = useQueryClient();
  const list = useList<Problem>({
    path: "/problems",
    member: "problems",
    params: { state: state.state },
    options: { env: state.env },
    every: 10_000,
  });
  const act = (id: string, what: string) => async () => {
    await call("POST", `/problems/${id}/${what}`, { env: state.env });
    await client.invalidateQueries({ queryKey: ["list", "/problems"] });
  };
  return (
    <Page title="Problems">
      <FilterBar>
        <Choice label="State" values={states} value={state.state} choose={(value) => set({ state: value }, false)} />
      </FilterBar>
      <Listed
        list={list}
        file="problems"
        empty={
          <Empty title={`No ${state.env} problem.`}>
            Where deliveries fail, their cause and a remedy stand here. Those of the other environment are{" "}
            <Link href={here({ env: otherSide(state.env) })}>under {otherSide(state.env)}</Link>.
          </Empty>
        }
      >
        {(rows) => (
          <ul className="grid gap-3">
            {rows.map((problem) => (
              <li key={problem.problem_id} className="card grid gap-2">
                <div className="flex flex-wrap items-center gap-2">
                  <Status status={problem.state} />
                  <h2 className="font-semibold">
                    {problem.error.replaceAll("_", " ")}
                    {problem.status_code === undefined ? "" : ` (${problem.status_code})`} at{" "}
                    <Link href={keep(`/subscriptions/${problem.subscription_id}`)}>
                      {problem.workflow_id ?? problem.subscription_id}
                    </Link>
                  </h2>
                </div>
                <p className="text-sm">
                  <Sentence text={problem.explanation} />
                </p>
                <p className="text-sm">
                  <strong>What to do:</strong> <Sentence text={problem.advice} />
                </p>
                <p className="text-sm text-muted">
                  {countOf(problem.count, "failed attempt")} of {countOf(problem.events, "event")}, from{" "}
                  <When at={problem.first_at} zone={state.zone} /> to <When at={problem.last_at} zone={state.zone} />.{" "}
                  <Link
                    href={keep("/deliveries", {
                      subscription: problem.subscription_id,
                      open: problem.sample_delivery_id,
                    })}
                  >
                    Look at a delivery
                  </Link>
                </p>
                {may("handle") ? (
                  <div className="flex flex-wrap gap-2">
                    <Confirm
                      label="Retry all"
                      title={`Retry ${countOf(problem.events, "event")}?`}
                      text="Every delivery of this problem that has not succeeded is tried again; how far it has come stands under Replays."
                      action={act(problem.problem_id, "retry")}
                    />
                    {problem.state === "open" ? (
                      <Button onPress={() => void act(problem.problem_id, "acknowledge")()}>Acknowledge</Button>
                    ) : null}
                    {problem.state === "muted" ? null : (
                      <Button onPress={() => void act(problem.problem_id, "mute")()}>Mute</Button>
                    )}
                    {problem.state === "resolved" ? null : (
                      <Button onPress={() => void act(problem.problem_id, "resolve")()}>Resolve</Button>
                    )}
                  </div>
                ) : null}
              </li>
            ))}
          </ul>
        )}
      </Listed>
    </Page>
  );
}
