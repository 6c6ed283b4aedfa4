import { useState } from "react";
import { saveCsv, saveJson } from "../save.ts";
import { csvOf, csvOfViews, jsonOfViews, type Told, useShownViews, type View } from "../told.tsx";
import { Failure } from "./basic.tsx";
import { Choices } from "./menu.tsx";

/** A list or a page to take along: its file's name, and in words what it shows. */
interface Taken {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly views: () => readonly View[];
  readonly csv: () => string;
  readonly json: () => unknown;
}

function DownloadMenu({ name, title, about, views, csv, json }: Taken) {
  const [error, setError] = useState<unknown>();
  const pdf = async () => {
    setError(undefined);
    try {
      await (await import("../pdf.ts")).savePdf(name, title, about, views());
    } catch (cause) {
      setError(cause);
    }
  };
  const kinds = [
    ["CSV", () => saveCsv(name, csv())],
    ["JSON", () => saveJson(name, json())],
    ["PDF", () => void pdf()],
  ] as const;
  return (
    <>
      {error === undefined ? null : <Failure error={error} />}
      <Choices
        label="Download"
        choices={kinds.map(([label]) => [label, label] as const)}
        choose={(label) => kinds.find(([each]) => each === label)?.[1]()}
      />
    </>
  );
}

/** A list as it is shown. @param rows the head first @param json what the file of JSON holds, where it is more than the rows */
export function Download({
  name,
  title = name,
  about = "",
  rows,
  json,
}: {
  name: string;
  title?: string;
  about?: string;
  rows: () => readonly (readonly (string | number)[])[];
  json: () => unknown;
}) {
  const told = (): Told => {
    const [head = [], ...body] = rows();
    return { columns: head.map((each) => ({ name: String(each) })), rows: body };
  };
  return (
    <DownloadMenu
      name={name}
      title={title}
      about={about}
      views={() => [{ title, sentence: "", told: told() }]}
      csv={() => csvOf(told())}
      json={json}
    />
  );
}

/** All that the page shows. */
export function DownloadShown({ name, title, about }: { name: string; title: string; about: string }) {
  const views = useShownViews();
  return (
    <DownloadMenu
      name={name}
      title={title}
      about={about}
      views={views}
      csv={() => csvOfViews(views())}
      json={() => jsonOfViews(views())}
    />
  );
}
