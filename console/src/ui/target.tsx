import { TextField } from "./basic.tsx";
import { ShownOnce } from "./create.tsx";

/** Where a new subscription delivers to, and what it starts there. */
export interface TargetDraft {
  readonly url: string;
  readonly workflow: string;
}

export const noTarget: TargetDraft = { url: "", workflow: "" };

/** As the API takes it. */
export const targetOf = ({ url, workflow }: TargetDraft) => ({
  webhook_url: url,
  ...(workflow === "" ? {} : { workflow_id: workflow }),
});

/** The platform on one's own machine delivers there too, and brings a receiver along. */
const onThisMachine = ["localhost", "127.0.0.1"].includes(window.location.hostname);
const DELIVERS_TO = onThisMachine
  ? "Where it delivers to: public https, or http on this machine, such as the receiver that npm start names."
  : "Where it delivers to: public https.";

export function TargetFields({ draft, change }: { draft: TargetDraft; change: (draft: TargetDraft) => void }) {
  return (
    <>
      <TextField
        label="Webhook URL"
        hint={DELIVERS_TO}
        mono
        placeholder="https://example.com/hooks"
        value={draft.url}
        change={(url) => change({ ...draft, url })}
      />
      <TextField
        label="Workflow"
        hint="Optional: your own name for what it starts."
        value={draft.workflow}
        change={(workflow) => change({ ...draft, workflow })}
      />
    </>
  );
}

/** What the platform answers when it is made. */
export interface MadeSubscription {
  readonly subscription_id: string;
  readonly signing_secret: string;
}

export function ShownSecret({ secret }: { secret: string }) {
  return (
    <ShownOnce title="The signing secret is shown this once." texts={[["Signing secret", secret]]}>
      <p>It counts within 5 seconds. Keep it where your endpoint can read it.</p>
    </ShownOnce>
  );
}
