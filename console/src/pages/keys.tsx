import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api.ts";
import { useMay } from "../session.tsx";
import type { Key } from "../types.ts";
import { Button, Code, Empty, Failure, Field, Note, Page, Status, When } from "../ui/basic.tsx";
import { List } from "../ui/list.tsx";
import { Ask, Confirm, Dialog } from "../ui/overlay.tsx";
import { useCommon } from "../url.ts";

const allScopes = ["events:write", "events:read", "subscriptions", "keys", "privacy", "admin"] as const;
const usual = new Set<string>(["events:write", "events:read", "subscriptions"]);

function Shown({ apiKey }: { apiKey: string }) {
  return (
    <Note tone="warn" title="The key is shown this once.">
      <p>Keep it where your system can read it, and nowhere else.</p>
      <Code label="API key" text={apiKey} />
    </Note>
  );
}

function Create() {
  const [{ env }] = useCommon();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [name, setName] = useState("");
  const [side, setSide] = useState<string>(env);
  const [scopes, setScopes] = useState<ReadonlySet<string>>(usual);
  const [expires, setExpires] = useState("");
  const [limit, setLimit] = useState("");
  const [origins, setOrigins] = useState("");
  const [error, setError] = useState<unknown>();
  const [made, setMade] = useState<Key>();
  const create = async () => {
    setError(undefined);
    try {
      const listed = origins.split(/[\s,]+/).filter((each) => each !== "");
      const body = {
        ...(name === "" ? {} : { name }),
        environment: side,
        // A key in a web page may send, and nothing else.
        scopes: listed.length === 0 ? [...scopes] : ["events:write"],
        ...(expires === "" ? {} : { expires_at: new Date(expires).toISOString() }),
        ...(limit === "" ? {} : { limit_per_second: Number(limit) }),
        ...(listed.length === 0 ? {} : { allowed_origins: listed }),
      };
      setMade(await call<Key>("POST", "/keys", { body }));
      await client.invalidateQueries({ queryKey: ["list", "/keys"] });
    } catch (cause) {
      setError(cause);
    }
  };
  const close = () => {
    setOpen(false);
    setMade(undefined);
  };
  return (
    <>
      <Button look="primary" onPress={() => setOpen(true)}>
        New key
      </Button>
      <Dialog title="New API key" open={open} close={close}>
        {made === undefined ? (
          <>
            <Field label="Name">
              {(ids) => (
                <input {...ids} className="field" value={name} onChange={(event) => setName(event.target.value)} />
              )}
            </Field>
            <Field label="Environment of the key">
              {(ids) => (
                <select {...ids} className="field" value={side} onChange={(event) => setSide(event.target.value)}>
                  <option value="live">Live</option>
                  <option value="sandbox">Sandbox</option>
                </select>
              )}
            </Field>
            <fieldset className="grid gap-1">
              <legend className="text-sm font-medium">It may</legend>
              {allScopes.map((scope) => (
                <label key={scope} className="flex items-center gap-2 text-sm">
                  <input
                    type="checkbox"
                    className="size-5"
                    checked={scopes.has(scope)}
                    onChange={() => {
                      const next = new Set(scopes);
                      if (!next.delete(scope)) next.add(scope);
                      setScopes(next);
                    }}
                  />
                  <code>{scope}</code>
                </label>
              ))}
            </fieldset>
            <Field label="Ends" hint="Optional.">
              {(ids) => (
                <input
                  {...ids}
                  type="datetime-local"
                  className="field"
                  value={expires}
                  onChange={(event) => setExpires(event.target.value)}
                />
              )}
            </Field>
            <Field label="Limit, events a second" hint="Optional: below the customer's own.">
              {(ids) => (
                <input
                  {...ids}
                  inputMode="numeric"
                  className="field"
                  value={limit}
                  onChange={(event) => setLimit(event.target.value)}
                />
              )}
            </Field>
            <Field
              label="Web pages that use it"
              hint="Optional: origins such as https://app.example.com. Such a key may send events and nothing else, from these pages only."
            >
              {(ids) => (
                <input
                  {...ids}
                  className="field mono"
                  value={origins}
                  onChange={(event) => setOrigins(event.target.value)}
                />
              )}
            </Field>
            {error === undefined ? null : <Failure error={error} />}
            <div className="flex justify-end gap-2">
              <Button onPress={close}>Cancel</Button>
              <Button look="primary" onPress={() => void create()}>
                Create
              </Button>
            </div>
          </>
        ) : (
          <>
            <Shown apiKey={made.api_key ?? ""} />
            <div className="flex justify-end">
              <Button look="primary" onPress={close}>
                Done
              </Button>
            </div>
          </>
        )}
      </Dialog>
    </>
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
      body: { overlap_seconds: overlap === "" ? 86_400 : Number(overlap) },
    });
    setShown(api_key);
    await after();
  };
  const revoke = (id: string) => async () => {
    await call("DELETE", `/keys/${id}`);
    await after();
  };
  return (
    <Page title="API keys" actions={may("issue_keys") ? <Create /> : null}>
      <p className="text-sm text-muted">
        Live and sandbox keys of the customer. A key's text is shown when it is made, and never again.
      </p>
      {shown === undefined ? null : <Shown apiKey={shown} />}
      <List<Key>
        caption="API keys"
        source={{ path: "/keys", member: "keys", params: { limit: "100" } }}
        rowKey={({ key_id }) => key_id}
        empty={<Empty title="There is no key yet." />}
        columns={[
          { name: "Name", cell: ({ name }) => name ?? <span className="text-muted">none</span> },
          {
            name: "Key",
            cell: ({ key_id, environment }) => (
              <span className="mono">
                trg_{environment}_{key_id.replace("key_", "")}_…
              </span>
            ),
          },
          { name: "Environment", cell: ({ environment }) => <Status status={environment} /> },
          { name: "Status", cell: ({ status }) => <Status status={status} /> },
          { name: "May", cell: ({ scopes }) => <code>{scopes.join(" ")}</code> },
          { name: "Last used", cell: ({ last_used_at }) => <When at={last_used_at} zone={zone} /> },
          { name: "Ends", cell: ({ expires_at }) => <When at={expires_at} zone={zone} /> },
          {
            name: "Change",
            cell: ({ key_id, status, name }) =>
              may("issue_keys") && status === "active" ? (
                <span className="flex flex-wrap gap-2">
                  <Ask
                    label="Rotate"
                    title="Give the key a new text"
                    field="Overlap in seconds"
                    hint="So long the old text is valid too; empty is a day."
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
