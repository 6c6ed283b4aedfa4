import { useQuery, useQueryClient } from "@tanstack/react-query";
import { callText } from "../api.ts";
import { places } from "../places.ts";
import { setPreferences, usePreferences } from "../preferences.ts";
import { useMay, useSession } from "../session.tsx";
import { shortcuts } from "../shell/shortcuts.ts";
import { Facts, Failure, Field, Loading, Page, Tick, When } from "../ui/basic.tsx";
import { Choice } from "../ui/filters.tsx";
import { Confirm } from "../ui/overlay.tsx";
import { Table } from "../ui/table.tsx";
import { useCommon } from "../url.ts";
import { zones } from "../zones.ts";
import { MaskingForm } from "./privacy.tsx";

interface Listed {
  readonly session_id: string;
  readonly created_at: string;
  readonly active_at: string;
  readonly expires_at: string;
  readonly source_ip: string;
  readonly user_agent: string;
  readonly current: boolean;
}

function Sessions() {
  const [{ zone }] = useCommon();
  const client = useQueryClient();
  const query = useQuery({
    queryKey: ["sessions"],
    queryFn: async () => JSON.parse(await callText("GET", "/sessions")) as { sessions: Listed[] },
  });
  if (query.isPending) return <Loading />;
  if (query.isError) return <Failure error={query.error} />;
  const end = (id: string) => async () => {
    await callText("DELETE", `/sessions/${id}`);
    await client.invalidateQueries({ queryKey: ["sessions"] });
  };
  return (
    <Table
      caption="Your sessions"
      rows={query.data.sessions}
      rowKey={({ session_id }) => session_id}
      columns={[
        { name: "Begun", cell: ({ created_at }) => <When at={created_at} zone={zone} /> },
        { name: "Last touched", cell: ({ active_at }) => <When at={active_at} zone={zone} /> },
        { name: "From", cell: ({ source_ip }) => source_ip },
        { name: "Browser", cell: ({ user_agent }) => user_agent },
        {
          name: "End",
          cell: ({ session_id, current }) =>
            current ? (
              "this one"
            ) : (
              <Confirm
                label="End"
                title="End this session?"
                text="The browser that uses it has to sign in again."
                action={end(session_id)}
              />
            ),
        },
      ]}
    />
  );
}

export default function Settings() {
  const session = useSession();
  const { theme, letters, zone: preferredZone } = usePreferences();
  const may = useMay();
  const [{ zone }] = useCommon();
  return (
    <Page title="Settings">
      <Facts
        of={[
          ["You", `${session.person.name} (${session.person.email})`],
          ["Role", `${session.role} in ${session.customer_name}`],
          ["Signed in", <When key="in" at={session.signed_in_at} zone={zone} />],
          ["Ends at the latest", <When key="ends" at={session.ends_at} zone={zone} />],
        ]}
      />
      <section className="grid gap-3" aria-label="Appearance">
        <h2 className="text-lg font-semibold">Appearance</h2>
        <div className="grid max-w-xl items-start gap-3 sm:grid-cols-2">
          <Field label="Theme">
            {(ids) => (
              <select
                {...ids}
                className="field"
                value={theme}
                onChange={(event) => setPreferences({ theme: event.target.value as typeof theme })}
              >
                <option value="system">As the system</option>
                <option value="light">Light</option>
                <option value="dark">Dark</option>
              </select>
            )}
          </Field>
          <Choice
            label="Time zone"
            any={`As the browser: ${Intl.DateTimeFormat().resolvedOptions().timeZone}`}
            values={zones.map((each) => [each, each] as const)}
            value={preferredZone}
            choose={(each) => setPreferences({ zone: each ?? "" })}
            hint="Of every time that is shown, unless a link says another."
          />
        </div>
      </section>
      <section className="grid gap-2" aria-label="Masking">
        <h2 className="text-lg font-semibold">Masking</h2>
        {may("privacy") ? (
          <MaskingForm />
        ) : (
          <p className="text-sm">
            What your company masks is hidden before it reaches this browser. An owner says what that is, under Privacy.
          </p>
        )}
      </section>
      <section className="grid gap-2" aria-label="Sessions">
        <h2 className="text-lg font-semibold">Your sessions</h2>
        <Sessions />
      </section>
      <section className="grid gap-2" aria-label="Keyboard">
        <h2 className="text-lg font-semibold">Keyboard</h2>
        <Tick checked={letters} change={(letters) => setPreferences({ letters })}>
          Single letters are shortcuts
        </Tick>
        <Table
          caption="Shortcuts"
          rows={[
            ...shortcuts,
            ...places.flatMap(({ letter, name }) => (letter === undefined ? [] : [[`g ${letter}`, name] as const])),
          ]}
          rowKey={([keys]) => keys}
          columns={[
            { name: "Keys", cell: ([keys]) => <kbd>{keys}</kbd> },
            { name: "Does", cell: ([, does]) => does },
          ]}
        />
      </section>
    </Page>
  );
}
