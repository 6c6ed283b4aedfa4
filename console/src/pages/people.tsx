import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { customerRoles } from "../../../runtime/domain/people/roles.ts";
import { call } from "../api.ts";
import { useSession } from "../session.tsx";
import type { Person } from "../types.ts";
import { Empty, Failure, Page, Status, TextField, When } from "../ui/basic.tsx";
import { Create } from "../ui/create.tsx";
import { Choice } from "../ui/filters.tsx";
import { List } from "../ui/list.tsx";
import { Confirm } from "../ui/overlay.tsx";
import { useCommon } from "../url.ts";
import { useWork } from "../work.ts";

function Invite({ roles }: { roles: readonly string[] }) {
  const client = useQueryClient();
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState(roles.at(1) ?? roles[0]);
  const invite = async () => {
    await call("POST", "/people", { body: { email, role, ...(name === "" ? {} : { name }) } });
    setEmail("");
    setName("");
    await client.invalidateQueries({ queryKey: ["list", "/people"] });
  };
  return (
    <Create label="Invite" title="Invite a person" submit="Invite" make={invite}>
      <TextField
        label="E-mail address"
        hint="Who signs in with it, verified by the issuer, has the role from then on."
        type="email"
        value={email}
        change={setEmail}
      />
      <TextField label="Name" hint="Optional." value={name} change={setName} />
      <Choice label="Role" any={null} values={roles} value={role} choose={setRole} />
    </Create>
  );
}

export default function People() {
  const [{ zone }] = useCommon();
  const session = useSession();
  const client = useQueryClient();
  const work = useWork();
  const roles = session.role === "operator" ? ["operator"] : customerRoles;
  const after = () => client.invalidateQueries({ queryKey: ["list", "/people"] });
  const change = async (id: string, role: string) => {
    await work.run(() => call("PATCH", `/people/${id}`, { body: { role } }));
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
      {work.error === undefined ? null : <Failure error={work.error} />}
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
