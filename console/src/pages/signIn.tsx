import { useSearch } from "wouter";
import { Button, Note, Page } from "../ui/basic.tsx";

const reasons: Readonly<Record<string, readonly [tone: string, text: string]>> = {
  idle: ["info", "You were signed out after 15 minutes without a touch. What you were writing is kept in this tab."],
  longest: ["info", "A session lasts 8 hours at most. What you were writing is kept in this tab."],
  ended: ["info", "The session has ended. What you were writing is kept in this tab."],
  late: ["warn", "The sign-in took too long, or was begun in another tab. Begin again."],
  refused: ["bad", "The issuer did not confirm the sign-in. Try again; if it goes on, ask who runs the issuer."],
  unknown: ["bad", "Nobody has invited this address. Ask an owner of your company's account to invite you."],
  signed_out: ["good", "You are signed out."],
};

/** Where one signs in: by the issuer of the deployment, and back to where one was. */
export default function SignInPage() {
  const query = new URLSearchParams(useSearch());
  const reason = reasons[query.get("ended") ?? ""];
  const back = query.get("return_to") ?? "/console/";
  return (
    <main className="mx-auto grid min-h-dvh max-w-sm content-center gap-4 p-4">
      <p className="text-lg font-bold">Triggers</p>
      <Page title="Sign in">
        {reason === undefined ? null : <Note tone={reason[0]}>{reason[1]}</Note>}
        <Button
          look="primary"
          className="min-h-11"
          onPress={() => window.location.assign(`/console/session/sign-in?return_to=${encodeURIComponent(back)}`)}
        >
          Sign in
        </Button>
        <p className="text-sm text-muted">You sign in with your company's own account. No password is kept here.</p>
      </Page>
    </main>
  );
}
