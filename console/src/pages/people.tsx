import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { customerRoles } from "../../../runtime/domain/people/roles.ts";
import { call } from "../api.ts";
import { useFormDraft } from "../drafts.ts";
import { useSession } from "../session.tsx";
import type { Person } from "../types.ts";
import { Button, Empty, Page, Status, TextField, When } from "../ui/basic.tsx";
import { Create } from "../ui/create.tsx";
import { Choice } from "../ui/filters.tsx";
import { List } from "../ui/list.tsx";
import { Confirm, FormDialog } from "../ui/overlay.tsx";
import { useCommon } from "../url.ts";
import { useWork } from "../work.ts";

function Invite({ roles }: { roles: readonly string[] }) {
  const client = useQueryClient();
  const [{ email, name, role }, change, drop] = useFormDraft("invitation", {
    email: "",
    name: "",
    role: roles.at(1) ?? roles[0]!,
  });
  const invite = async () => {
    await call("POST", "/people", { body: { email, role, ...(name === "" ? {} : { name }) } });
    drop();
    await client.invalidateQueries({ queryKey: ["list", "/people"] });
  };
  return (
    <Create label="Invite" title="Invite a person" submit="Invite" make={invite}>
      <TextField
        label="E-mail address"
        hint="Who signs in with it, verified by the issuer, has the role from then on."
        type="email"
        value={email}
        change={(email) => change({ email })}
      />
      <TextField label="Name" hint="Optional." value={name} change={(name) => change({ name })} />
      <Choice label="Role" any={null} values={roles} value={role} choose={(role = roles[0]!) => change({ role })} />
    </Create>
  );
}

/** Asks, since keys that go through the roles of a list would give each of them for a moment. */
function ChangeRole({
  person: { person_id, email, role },
  roles,
  changed,
}: {
  person: Person;
  roles: readonly string[];
  changed: () => Promise<unknown>;
}) {
  const [open, setOpen] = useState(false);
  const [wanted, setWanted] = useState<string>(role);
  const work = useWork();
  const change = async () => {
    const done = await work.run(() => call("PATCH", `/people/${person_id}`, { body: { role: wanted } }));
    await changed();
    if (done) setOpen(false);
  };
  return (
    <>
      <Button
        aria-label={`Change the role of ${email}`}
        onPress={() => {
          setWanted(role);
          work.forget();
          setOpen(true);
        }}
      >
        Change
      </Button>
      <FormDialog
        title={`Role of ${email}`}
        open={open}
        close={() => setOpen(false)}
        submit="Change role"
        work={work}
        run={change}
      >
        <Choice label="Role" any={null} values={roles} value={wanted} choose={(each = role) => setWanted(each)} />
      </FormDialog>
    </>
  );
}

export default function People() {
  const [{ zone }] = useCommon();
  const session = useSession();
  const client = useQueryClient();
  const roles = session.role === "operator" ? ["operator"] : customerRoles;
  const after = () => client.invalidateQueries({ queryKey: ["list", "/people"] });
  const remove = (id: string) => async () => {
    await call("DELETE", `/people/${id}`);
    await after();
  };
  return (
    <Page title="People" actions={<Invite roles={roles} />}>
      <p className="text-sm text-muted">
        Who may sign in to {session.customer_name}. <a href="/docs/roles">What each role may do</a>
      </p>
      <List<Person>
        caption="People"
        source={{ path: "/people", member: "people" }}
        rowKey={({ person_id }) => person_id}
        empty={<Empty title="Nobody is here yet." />}
        columns={[
          { name: "Name", named: true, cell: ({ name }) => name ?? <span className="text-muted">not known yet</span> },
          { name: "E-mail", named: true, cell: ({ email }) => email },
          {
            name: "Role",
            cell: (person) => (
              <span className="inline-flex flex-wrap items-center gap-2">
                {person.role}
                <ChangeRole person={person} roles={roles} changed={after} />
              </span>
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
