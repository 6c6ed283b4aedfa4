import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { ApiError, callText, memberText } from "../api.ts";
import { useMay } from "../session.tsx";
import { signInAnew } from "../signInAnew.ts";
import { useCommon } from "../url.ts";
import { Ask } from "./overlay.tsx";

const SHOWN_MS = 60_000;

/**
 * Something that is masked, shown whole for a minute to who may see it and says why.
 * @param object id of an event or a subscription
 * @returns the JSON text of what the platform reveals of it, and the button that asks for it
 */
export function useReveal({ object, label, title }: { object: string; label: string; title: string }): {
  readonly revealed: string | undefined;
  readonly button: ReactNode;
} {
  const [{ env }] = useCommon();
  const may = useMay();
  const client = useQueryClient();
  const [revealed, setRevealed] = useState<string>();
  useEffect(() => {
    if (revealed === undefined) return;
    const timer = setTimeout(() => setRevealed(undefined), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [revealed]);
  const reveal = async (reason: string) => {
    try {
      const text = await callText("POST", "/api/reveal", { env, body: { object, reason } });
      setRevealed(memberText(text, "revealed"));
      await client.invalidateQueries({ queryKey: ["list", `/events/${object}/viewers`] });
    } catch (cause) {
      // The platform needs a new sign-in: the issuer asks for it, and leads back here.
      if (cause instanceof ApiError && cause.code === "sign_in_again") signInAnew(true);
      throw cause;
    }
  };
  const asks = may("reveal") && revealed === undefined;
  return {
    revealed,
    button: asks ? (
      <Ask
        label={label}
        title={title}
        field="Reason"
        hint="It is written into the audit log."
        draft={`reason ${object}`}
        action={reveal}
      />
    ) : null,
  };
}
