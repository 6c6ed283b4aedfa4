import { isSystemType } from "../../../runtime/domain/systemEvents.ts";

/** An event's type, with a mark on what the platform itself tells: nobody looks for who has sent it. */
export function EventType({ type }: { type: string | null }) {
  if (type === null) return <span className="text-muted">none</span>;
  return isSystemType(type) ? (
    <>
      {type}{" "}
      <span className="inline-block rounded border border-edge px-1 text-xs whitespace-nowrap text-muted">
        from the platform
      </span>
    </>
  ) : (
    type
  );
}
