import { Component, type ReactNode } from "react";
import { Button, Note } from "./basic.tsx";

interface CaughtProps {
  readonly children: ReactNode;
  /** What is shown: something else begins without the fault of the one before. */
  readonly at?: string;
}

/**
 * Stands in for what could not be drawn: a part of the page that did not come, since the platform is away or has a newer version, or a
 * fault of ours. What is around it goes on.
 */
export class Caught extends Component<CaughtProps, { readonly error?: Error | undefined }> {
  override state: { readonly error?: Error | undefined } = {};

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override componentDidUpdate({ at }: CaughtProps): void {
    if (at !== this.props.at && this.state.error !== undefined) this.setState({ error: undefined });
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <div role="alert" className="grid justify-items-start gap-3">
        <Note tone="bad" title="This can't be shown.">
          <p>
            Load the page anew: perhaps the platform was away, or has a newer version. What you were writing is kept.
          </p>
          <p className="mono">{error.message}</p>
        </Note>
        <Button look="primary" onPress={() => window.location.reload()}>
          Load anew
        </Button>
      </div>
    );
  }
}
