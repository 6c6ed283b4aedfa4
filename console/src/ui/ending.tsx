import { signInAnew } from "../signInAnew.ts";
import { Button } from "./basic.tsx";
import { DialogBox } from "./popup.tsx";

/** Warns that the session ends. @param left milliseconds @param atLongest whether it has lasted as long as any may, so that nothing makes it longer */
export default function Ending({
  left,
  atLongest,
  extend,
  signOut,
}: {
  left: number;
  atLongest: boolean;
  extend: () => Promise<void>;
  signOut: () => Promise<void>;
}) {
  const [title, why, stay, name] = atLongest
    ? (["Your session ends", "a session lasts 8 hours at most", signInAnew, "Sign in again"] as const)
    : (["Are you still there?", "nothing has been touched for a while", extend, "Stay signed in"] as const);
  return (
    <DialogBox title={title} close={() => void extend()} alert>
      <p>
        You will be signed out in {Math.ceil(left / 1_000)} seconds, since {why}. What you were writing is kept.
      </p>
      <div className="flex justify-end gap-2">
        <Button onPress={() => void signOut()}>Sign out</Button>
        <Button look="primary" autoFocus onPress={() => void stay()}>
          {name}
        </Button>
      </div>
    </DialogBox>
  );
}
