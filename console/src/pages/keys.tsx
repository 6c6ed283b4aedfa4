import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { defaultScopes, type Scope, scopes } from "../../../runtime/domain/identity/scope.ts";
import { DAY_SECONDS } from "../../../runtime/domain/time.ts";
import { call } from "../api.ts";
import { useFormDraft } from "../drafts.ts";
import { maskedKey } from "../keyNames.ts";
import { useMay } from "../session.tsx";
import { typedNumber } from "../typedNumber.ts";
import type { Key } from "../types.ts";
import { Empty, MemberTick, Page, Status, TextField, When } from "../ui/basic.tsx";
import { Create, ShownOnce } from "../ui/create.tsx";
import { Choice } from "../ui/filters.tsx";
import { List } from "../ui/list.tsx";
import { Ask, Confirm } from "../ui/overlay.tsx";
import { useCommon } from "../url.ts";

const environments = [
  ["live", "Live"],
  ["sandbox", "Sandbox"],
] as const;

function ShownKey({ apiKey }: { apiKey: string }) {
  return (
    <ShownOnce title="The key is shown this once." texts={[["API key", apiKey]]}>
      <p>Keep it where your system can read it, and nowhere else.</p>
    </ShownOnce>
  );
}

function NewKey() {
  const [{ env }] = useCommon();
  const client = useQueryClient();
  const [form, change, drop] = useFormDraft("new key", {
    name: "",
    side: env as string,
    allowed: defaultScopes as readonly Scope[],
    expires: "",
    limit: "",
    origins: "",
  });
  const { name, side, allowed, expires, limit, origins } = form;
  const make = async () => {
    const listed = origins.split(/[\s,]+/).filter((each) => each !== "");
    const body = {
      ...(name === "" ? {} : { name }),
      environment: side,
      // A key in a web page may send, and nothing else.
      scopes: listed.length === 0 ? allowed : ["events:write"],
      ...(expires === "" ? {} : { expires_at: new Date(expires).toISOString() }),
      ...(limit === "" ? {} : { limit_per_second: typedNumber(limit) }),
      ...(listed.length === 0 ? {} : { allowed_origins: listed }),
    };
    const made = await call<Key>("POST", "/keys", { body });
    drop();
    await client.invalidateQueries({ queryKey: ["list", "/keys"] });
    return made;
  };
  return (
    <Create label="New key" title="New API key" make={make} made={({ api_key = "" }) => <ShownKey apiKey={api_key} />}>
      <TextField label="Name" value={name} change={(name) => change({ name })} />
      <Choice
        label="Environment of the key"
        any={null}
        values={environments}
        value={side}
        choose={(side = env) => change({ side })}
      />
      <fieldset className="grid gap-1">
        <legend className="text-sm font-medium">It may</legend>
        {scopes.map((scope) => (
          <MemberTick key={scope} list={allowed} member={scope} change={(allowed) => change({ allowed })}>
            <code>{scope}</code>
          </MemberTick>
        ))}
      </fieldset>
      <TextField
        label="Ends"
        hint="Optional, by this browser's clock."
        type="datetime-local"
        value={expires}
        change={(expires) => change({ expires })}
      />
      <TextField
        label="Limit, events a second"
        hint="Optional: below the customer's own."
        inputMode="numeric"
        value={limit}
        change={(limit) => change({ limit })}
      />
      <TextField
        label="Web pages that use it"
        hint="Optional: origins such as https://app.example.com. Such a key may send events and nothing else, from these pages only."
        mono
        value={origins}
        change={(origins) => change({ origins })}
      />
    </Create>
  );
}

export default function Keys() {
  const [{ zone }] = useCommon();
  const may = useMay();
  const client = useQueryClient();
  const [shown, setShown] = useState<string>();
  const after = () => client.invalidateQueries({ queryKey: ["list", "/keys"] });
  const rotate = (id: string) => async (overlap: string) => {
    const { api_key } = await call<Key>("POST", `/keys/${id}/rotate`, {
      body: { overlap_seconds: overlap === "" ? DAY_SECONDS : typedNumber(overlap) },
    });
    setShown(api_key);
    await after();
  };
  const revoke = (id: string) => async () => {
    await call("DELETE", `/keys/${id}`);
    await after();
  };
  return (
    <Page title="API keys" actions={may("issue_keys") ? <NewKey /> : null}>
      <p className="text-sm text-muted">
        Live and sandbox keys of the customer. A key's text is shown when it is made, and never again: what stands here
        is its beginning and its last four characters.
      </p>
      {shown === undefined ? null : <ShownKey apiKey={shown} />}
      <List<Key>
        caption="API keys"
        source={{ path: "/keys", member: "keys", params: { limit: "100" } }}
        rowKey={({ key_id }) => key_id}
        empty={<Empty title="There is no key yet." />}
        columns={[
          {
            name: "Key",
            named: true,
            cell: (key) => (
              <>
                {key.name ?? <span className="text-muted">no name</span>}
                <span className="mono block">{maskedKey(key)}</span>
              </>
            ),
          },
          {
            name: "Status",
            cell: ({ environment, status }) => (
              <span className="flex flex-wrap gap-1 max-md:justify-end">
                <Status status={environment} />
                <Status status={status} />
              </span>
            ),
          },
          {
            name: "May",
            cell: ({ scopes }) => (
              <span className="flex flex-wrap gap-x-2 max-md:justify-end">
                {scopes.map((scope) => (
                  <code key={scope} className="whitespace-nowrap">
                    {scope}
                  </code>
                ))}
              </span>
            ),
          },
          { name: "Last used", cell: ({ last_used_at }) => <When at={last_used_at} zone={zone} /> },
          { name: "Ends", cell: ({ expires_at }) => <When at={expires_at} zone={zone} /> },
          {
            name: "Change",
            cell: ({ key_id, status, name }) =>
              may("issue_keys") && status === "active" ? (
                <span className="flex flex-wrap gap-2 max-md:justify-end">
                  <Ask
                    label="Rotate"
                    title="Give the key a new text"
                    field="Overlap in seconds"
                    hint="For this time the old text is valid too; empty is a day, 0 ends it at once."
                    draft={`rotate ${key_id}`}
                    action={rotate(key_id)}
                  />
                  <Confirm
                    label="Revoke"
                    look="danger"
                    title={`Revoke ${name ?? key_id}?`}
                    text="It is refused everywhere within 70 seconds, and so are the keys that it made."
                    action={revoke(key_id)}
                  />
                </span>
              ) : null,
          },
        ]}
      />
    </Page>
  );
}
