import { TriggersError } from "./errors/errors.ts";

/**
 * `from` is inclusive and `to` exclusive, so nothing lies in a range that does not end after it begins.
 * @param range of times in milliseconds; what is of another type is not looked at
 * @throws TriggersError `invalid_request` for such a range
 */
export function refuseEmptyRange({ from, to }: { readonly from?: unknown; readonly to?: unknown }): void {
  if (typeof from === "number" && typeof to === "number" && from >= to) {
    throw new TriggersError("invalid_request", "The range is empty.", {
      details: [{ path: "/to", message: "must be after `from`" }],
    });
  }
}
