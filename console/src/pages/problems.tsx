import { useQueryClient } from "@tanstack/react-query";
import { Link } from "wouter";
import { call, otherSide } from "../api.ts";
import { errorWords } from "../errorWords.ts";
import { countOf } from "../format.ts";
import { useMay } from "../session.tsx";
import type { Problem } from "../types.ts";
import { Button, Empty, Failure, Page, Sentence, Status, When } from "../ui/basic.tsx";
import { Choice, FilterBar, NoneFits } from "../ui/filters.tsx";
import { Listed, useList } from "../ui/list.tsx";
import { Confirm } from "../ui/overlay.tsx";
import { keep, maybeOneOf, useHere, useUrl } from "../url.ts";
import { useWork } from "../work.ts";

const states = ["open", "acknowledged", "resolved", "muted"] as const;
const own = { state: maybeOneOf(states) };

/** One problem: what it is, what to do about it, and everything of it tried again. */
function ProblemCard({ problem }: { problem: Problem }) {
  const [{ env, zone }] = useUrl(own);
  const may = useMay();
  const client = useQueryClient();
  const work = useWork();
  const { problem_id, subscription_id, workflow_id, state } = problem;
  const act = (what: string) => async () => {
    await call("POST", `/problems/${problem_id}/${what}`, { env });
    await client.invalidateQueries({ queryKey: ["list", "/problems"] });
  };
  const button = (name: string, what: string) => (
    <Button isPending={work.busy} onPress={() => void work.run(act(what))}>
      {name}
    </Button>
  );
  return (
    <li className="card grid gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <Status status={state} />
        <h2 className="min-w-0 font-semibold">
          {errorWords[problem.error]}
          {problem.status_code === undefined || problem.error === "gone" ? "" : ` (${problem.status_code})`} at{" "}
          <Link href={keep(`/subscriptions/${subscription_id}`)}>{workflow_id ?? subscription_id}</Link>
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
        <When at={problem.first_at} zone={zone} /> to <When at={problem.last_at} zone={zone} />.{" "}
        <Link href={keep("/deliveries", { subscription: subscription_id, open: problem.sample_delivery_id })}>
          Look at a delivery
        </Link>
      </p>
      {may("handle") ? (
        <div className="flex flex-wrap gap-2">
          <Confirm
            label="Retry all"
            title={`Retry ${countOf(problem.events, "event")}?`}
            text="Every delivery of this problem that has not succeeded is tried again; how far it has come stands under Replays."
            action={act("retry")}
          />
          {state === "open" ? button("Acknowledge", "acknowledge") : null}
          {state === "muted" ? null : button("Mute", "mute")}
          {state === "resolved" ? null : button("Resolve", "resolve")}
        </div>
      ) : null}
      {work.error === undefined ? null : <Failure error={work.error} />}
    </li>
  );
}

/** Failures by subscription and cause. */
export default function Problems() {
  const [state, set] = useUrl(own);
  const here = useHere();
  const list = useList<Problem>({
    path: "/problems",
    member: "problems",
    params: { state: state.state },
    options: { env: state.env },
    every: 10_000,
  });
  return (
    <Page title="Problems">
      <FilterBar>
        <Choice label="State" values={states} value={state.state} choose={(value) => set({ state: value }, false)} />
      </FilterBar>
      <Listed
        list={list}
        file="problems"
        empty={
          state.state !== undefined ? (
            <NoneFits what="problem" ranged={false} />
          ) : (
            <Empty title={`No ${state.env} problem.`}>
              Where deliveries fail, their cause and a remedy stand here. Those of the other environment are{" "}
              <Link href={here({ env: otherSide(state.env) })}>under {otherSide(state.env)}</Link>.
            </Empty>
          )
        }
      >
        {(rows) => (
          <ul className="grid gap-3">
            {rows.map((problem) => (
              <ProblemCard key={problem.problem_id} problem={problem} />
            ))}
          </ul>
        )}
      </Listed>
    </Page>
  );
}
