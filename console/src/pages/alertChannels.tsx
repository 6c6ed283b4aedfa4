import { type UseQueryResult, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call, type Environment } from "../api.ts";
import { useMay } from "../session.tsx";
import type { Channel, ChannelTest } from "../types.ts";
import { Button, Code, Empty, Facts, Failure, Loading, Note, Status, TextField, When } from "../ui/basic.tsx";
import { Choice } from "../ui/filters.tsx";
import { Ask, Confirm } from "../ui/overlay.tsx";
import { ZoneChoice } from "../ui/zoneChoice.tsx";
import { useCommon, zoneOf } from "../url.ts";
import { useWork } from "../work.ts";

const kinds = ["email", "slack", "sms", "webhook"] as const;
const kindNames: Readonly<Record<Channel["kind"], string>> = {
  email: "E-mail",
  slack: "Slack",
  sms: "SMS",
  webhook: "Webhook",
};
const targets: Readonly<Record<Channel["kind"], readonly [label: string, example: string, hint: string]>> = {
  email: ["E-mail address", "ops@example.com", "A mail with a link and a code goes there; either one verifies it."],
  slack: [
    "URL of an incoming webhook",
    "https://hooks.slack.com/services/…",
    "A message with a code goes there. Slack makes the URL at Apps, Incoming Webhooks.",
  ],
  sms: ["Number", "+4915112345678", "With its country code. A code goes there."],
  webhook: [
    "Webhook URL",
    "https://example.com/alerts",
    "It proves itself at once: it answers the signed challenge that is posted to it with the challenge.",
  ],
};

/** What is still to be done before a channel is used. */
const toVerify: Readonly<Record<Channel["kind"], string>> = {
  email: "Open the link in the mail, or enter its code here.",
  slack: "Enter the code that stands in the Slack channel.",
  sms: "Enter the code of the message.",
  webhook: "Its endpoint has to answer the signed challenge: send it again when it does.",
};

/** Asks for the code that was sent to a channel, and verifies the channel by it. */
export function EnterCode({
  channel: { channel_id, target },
  hint,
  env,
  verified,
}: {
  channel: Channel;
  hint: string;
  env: Environment;
  verified: () => Promise<unknown>;
}) {
  return (
    <Ask
      label="Enter code"
      title={`Verify ${target}`}
      field="Code"
      hint={hint}
      draft={`code ${channel_id}`}
      action={async (code) => {
        await call("POST", `/alert-channels/${channel_id}/verify`, { env, body: { code: code.trim() } });
        await verified();
      }}
    />
  );
}

function ChannelCard({ channel, changed }: { channel: Channel; changed: () => Promise<unknown> }) {
  const [{ env, zone }] = useCommon();
  const may = useMay();
  const [tested, setTested] = useState<ChannelTest>();
  const [note, setNote] = useState<string>();
  const [error, setError] = useState<unknown>();
  const { channel_id, kind, target, verified } = channel;
  const path = `/alert-channels/${channel_id}`;
  const run = async (work: () => Promise<void>) => {
    setError(undefined);
    setNote(undefined);
    setTested(undefined);
    try {
      await work();
    } catch (cause) {
      setError(cause);
    }
    await changed();
  };
  const again = () =>
    run(async () => {
      const after = await call<Channel>("POST", `${path}/verify`, { env, body: {} });
      setNote(after.verified ? "It is verified." : (after.last_error ?? "It was sent again."));
    });
  return (
    <article className="card grid gap-3" aria-label={`Channel ${target}`}>
      <header className="flex flex-wrap items-center gap-2">
        <Status status={verified ? "verified" : "not verified"} />
        <h2 className="font-semibold">
          {kindNames[kind]}: <span className="mono">{target}</span>
        </h2>
      </header>
      <Facts
        of={[
          ["Added", <When key="added" at={channel.created_at} zone={zone} />],
          ...(may("watch") ? [] : [["Time zone", channel.time_zone] as const]),
          ...(verified ? [["Verified", <When key="ok" at={channel.verified_at} zone={zone} />] as const] : []),
          ...(channel.failing_since === null
            ? []
            : [["Fails since", <When key="fails" at={channel.failing_since} zone={zone} />] as const]),
          ...(channel.last_error === null ? [] : [["Last error", channel.last_error] as const]),
        ]}
      />
      {verified ? null : <Note tone="warn">{toVerify[kind]}</Note>}
      {note === undefined ? null : <Note>{note}</Note>}
      {tested === undefined ? null : (
        <div role="status">
          <Note
            tone={tested.sent ? "good" : "bad"}
            title={tested.sent ? "The test was sent." : "The test was not sent."}
          >
            {tested.status_code === undefined ? "" : `Answered ${tested.status_code}. `}
            {tested.error ?? ""}
          </Note>
        </div>
      )}
      {error === undefined ? null : <Failure error={error} />}
      {may("watch") ? (
        <div className="flex flex-wrap items-end gap-2">
          <ZoneChoice
            zone={channel.time_zone}
            choose={(time_zone) => void run(async () => void (await call("PATCH", path, { env, body: { time_zone } })))}
          />
          {verified ? (
            <Button
              onPress={() =>
                void run(async () => setTested(await call<ChannelTest>("POST", `${path}/test`, { env, body: {} })))
              }
            >
              Test
            </Button>
          ) : (
            <>
              {kind === "webhook" ? null : (
                <EnterCode
                  channel={channel}
                  hint="The six digits that were sent; they hold for 24 hours."
                  env={env}
                  verified={changed}
                />
              )}
              <Button onPress={() => void again()}>{kind === "webhook" ? "Send the challenge" : "Send again"}</Button>
            </>
          )}
          <Confirm
            label="Delete"
            look="danger"
            title={`Delete the channel ${target}?`}
            text="Rules that name it go on without it, and reports no longer go there."
            action={async () => {
              await call("DELETE", path, { env });
              await changed();
            }}
          />
        </div>
      ) : null}
    </article>
  );
}

/** Adds a channel; what verifies it is on its way at once. @param only one kind, for who needs just an address */
export function AddChannel({ only, added }: { only?: Channel["kind"]; added: (channel: Channel) => Promise<unknown> }) {
  const [{ env, zone }] = useCommon();
  const [chosen, setChosen] = useState<Channel["kind"]>(only ?? "email");
  const [target, setTarget] = useState("");
  const [made, setMade] = useState<Channel>();
  const work = useWork();
  const kind = only ?? chosen;
  const [label, example, hint] = targets[kind];
  const add = async () => {
    const body = { kind, target, time_zone: zoneOf({ zone }) };
    const channel = await call<Channel>("POST", "/alert-channels", { env, body });
    setMade(channel);
    setTarget("");
    await added(channel);
  };
  return (
    <form
      className="card grid gap-3"
      aria-label="Add a channel"
      onSubmit={(event) => {
        event.preventDefault();
        void work.run(add);
      }}
    >
      <div className="grid items-start gap-3 sm:grid-cols-[12rem_1fr]">
        {only === undefined ? (
          <Choice
            label="Kind"
            any={null}
            values={kinds.map((each) => [each, kindNames[each]] as const)}
            value={kind}
            choose={(each) => setChosen(each as Channel["kind"])}
          />
        ) : null}
        <TextField label={label} hint={hint} mono required placeholder={example} value={target} change={setTarget} />
      </div>
      {work.error === undefined ? null : <Failure error={work.error} />}
      {made?.signing_secret === undefined ? null : (
        <Note tone="warn" title="The channel's signing secret is shown this once.">
          <Code label="Signing secret" text={made.signing_secret} />
        </Note>
      )}
      <div>
        <Button type="submit" look="primary" isPending={work.busy}>
          {work.busy ? "Adding…" : "Add channel"}
        </Button>
      </div>
    </form>
  );
}

/** Who is told: each channel, whether it is verified and works, and one more. */
export function Channels({ query }: { query: UseQueryResult<{ alert_channels: Channel[] }> }) {
  const may = useMay();
  const client = useQueryClient();
  const changed = () => client.invalidateQueries({ queryKey: ["list", "/alert-channels"] });
  return (
    <div className="grid gap-3">
      {may("watch") ? <AddChannel added={changed} /> : null}
      {query.isPending ? (
        <Loading />
      ) : query.isLoadingError ? (
        <Failure error={query.error} retry={() => void query.refetch()} />
      ) : query.data.alert_channels.length === 0 ? (
        <Empty title="Nobody is told yet.">
          Add a channel, verify it, then choose it in a rule. Without one, alerts stand here and ring the bell.
        </Empty>
      ) : (
        <ul className="grid gap-3" aria-label="Channels">
          {query.data.alert_channels.map((channel) => (
            <li key={channel.channel_id}>
              <ChannelCard channel={channel} changed={changed} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
