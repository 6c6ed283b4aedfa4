import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api.ts";
import { useSession } from "../session.tsx";
import { Button, Empty, Failure, Field, Page, Status, When } from "../ui/basic.tsx";
import { List } from "../ui/list.tsx";
import { Confirm, Dialog } from "../ui/overlay.tsx";
import { useCommon } from "../url.ts";

const customerRoles = ["owner", "developer", "operations", "business", "executive", "auditor"] as const;

interface Person {
  readonly person_id: string;
  readonly email: string;
  readonly name: string | null;
  readonly role: string;
  readonly status: string;
  readonly last_signed_in_at: string | null;
}

function Invite({ roles }: { roles: readonly string[] }) {
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState(roles.at(1) ?? roles[0]!);
  const [error, setError] = useState<unknown>();
  const invite = async () => {
    setError(undefined);
    try {
      await call("POST", "/people", { body: { email, role, ...(name === "" ? {} : { name }) } });
      setOpen(false);
      setEmail("");
      setName("");
      await client.invalidateQueries({ queryKey: ["list", "/people"] });
    } catch (cause) {
      setError(cause);
    }
  };
  return (
    <>
      <Button look="primary" onPress={() => setOpen(true)}>
        Invite
      </Button>
      <Dialog title="Invite a person" open={open} close={() => setOpen(false)}>
        <Field label="E-mail address" hint="Who signs in with it, verified by the issuer, has the role from then on.">
          {(ids) => (
            <input
              {...ids}
              type="email"
              className="field"
              value={email}
              onChange={(event) => setEmail(event.target.value)}
            />
          )}
        </Field>
        <Field label="Name" hint="Optional.">
          {(ids) => <input {...ids} className="field" value={name} onChange={(event) => setName(event.target.value)} />}
        </Field>
        <Field label="Role">
          {(ids) => (
            <select {...ids} className="field" value={role} onChange={(event) => setRole(event.target.value)}>
              {roles.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          )}
        </Field>
        {error === undefined ? null : <Failure error={error} />}
        <div className="flex justify-end gap-2">
          <Button onPress={() => setOpen(false)}>Cancel</Button>
          <Button look="primary" onPress={() => void invite()}>
            Invite
          </Button>
        </div>
      </Dialog>
    </>
  );
}

export default function People() {
  const [{ zone }] = useCommon();
  const session = useSession();
  const client = useQueryClient();
  const [error, setError] = useState<unknown>();
  const roles = session.role === "operator" ? ["operator"] : customerRoles;
  const after = () => client.invalidateQueries({ queryKey: ["list", "/people"] });
  const change = async (id: string, role: string) => {
    setError(undefined);
    try {
      await call("PATCH", `/people/${id}`, { body: { role } });
    } catch (cause) {
      setError(cause);
    }
    await after();
  };
  const remove = (id: string) => async () => {
    await call("DELETE", `/people/${id}`);
    await after();
  };
  return (
    <Page title="People" actions={<Invite roles={roles} />}>
      <p className="text-sm text-muted">
        Who may sign in to {session.customer_name}. <a href="/docs/roles">What each role may do</a>
      </p>
      {error === undefined ? null : <Failure error={error} />}
      <List<Person>
        caption="People"
        source={{ path: "/people", member: "people" }}
        rowKey={({ person_id }) => person_id}
        empty={<Empty title="Nobody is here yet." />}
        columns={[
          { name: "Name", cell: ({ name }) => name ?? <span className="text-muted">not known yet</span> },
          { name: "E-mail", cell: ({ email }) => email },
          {
            name: "Role",
            cell: ({ person_id, role, email }) => (
              <select
                className="field w-auto"
                aria-label={`Role of ${email}`}
                value={role}
                onChange={(event) => void change(person_id, event.target.value)}
              >
                {roles.map((each) => (
                  <option key={each}>{each}</option>
                ))}
              </select>
            ),
          },
          { name: "Status", cell: ({ status }) => <Status status={status} /> },
          { name: "Last signed in", cell: ({ last_signed_in_at }) => <When at={last_signed_in_at} zone={zone} /> },
          {
            name: "Remove",
            cell: ({ person_id, email }) => (
              <Confirm
                label="Remove"
                look="danger"
                title={`Remove ${email}?`}
                text="Their sessions here end within 30 seconds. They can be invited again."
                action={remove(person_id)}
              />
            ),
          },
        ]}
      />
    </Page>
  );
}
