import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api.ts";
import { count } from "../format.ts";
import { Button, Code, Empty, Failure, Field, Note, Page, Status, When } from "../ui/basic.tsx";
import { List } from "../ui/list.tsx";
import { Ask, Dialog } from "../ui/overlay.tsx";
import { useCommon } from "../url.ts";

interface Customer {
  readonly customer_id: string;
  readonly name: string;
  readonly limit_per_second: number;
  readonly status: string;
  readonly created_at: string;
}

function Create() {
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [name, setName] = useState("");
  const [limit, setLimit] = useState("1000");
  const [error, setError] = useState<unknown>();
  const [made, setMade] = useState<{ api_key: string; sandbox_key: string }>();
  const create = async () => {
    setError(undefined);
    try {
      setMade(await call("POST", "/customers", { body: { name, limit_per_second: Number(limit) } }));
      await client.invalidateQueries({ queryKey: ["list", "/customers"] });
    } catch (cause) {
      setError(cause);
    }
  };
  return (
    <>
      <Button look="primary" onPress={() => setOpen(true)}>
        New customer
      </Button>
      <Dialog
        title="New customer"
        open={open}
        close={() => {
          setOpen(false);
          setMade(undefined);
        }}
      >
        {made === undefined ? (
          <>
            <Field label="Name">
              {(ids) => (
                <input {...ids} className="field" value={name} onChange={(event) => setName(event.target.value)} />
              )}
            </Field>
            <Field label="Events a second">
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
            {error === undefined ? null : <Failure error={error} />}
            <Button look="primary" onPress={() => void create()}>
              Create
            </Button>
          </>
        ) : (
          <Note tone="warn" title="Both keys are shown this once.">
            <Code label="Live key" text={made.api_key} />
            <Code label="Sandbox key" text={made.sandbox_key} />
          </Note>
        )}
      </Dialog>
    </>
  );
}

export default function Customers() {
  const [{ zone }] = useCommon();
  const client = useQueryClient();
  const limit = (id: string) => async (value: string) => {
    await call("PATCH", `/customers/${id}`, { body: { limit_per_second: Number(value) } });
    await client.invalidateQueries({ queryKey: ["list", "/customers"] });
  };
  return (
    <Page title="Customers" actions={<Create />}>
      <List<Customer>
        caption="Customers"
        source={{ path: "/customers", member: "customers" }}
        rowKey={({ customer_id }) => customer_id}
        empty={<Empty title="There is no customer yet." />}
        columns={[
          { name: "Name", cell: ({ name }) => name },
          { name: "Customer", cell: ({ customer_id }) => <span className="mono">{customer_id}</span> },
          { name: "Events a second", cell: ({ limit_per_second }) => count(limit_per_second) },
          { name: "Status", cell: ({ status }) => <Status status={status} /> },
          { name: "Since", cell: ({ created_at }) => <When at={created_at} zone={zone} /> },
          {
            name: "Limit",
            cell: ({ customer_id, name }) => (
              <Ask
                label="Change limit"
                title={`Limit of ${name}`}
                field="Events a second"
                action={limit(customer_id)}
              />
            ),
          },
        ]}
      />
    </Page>
  );
}
