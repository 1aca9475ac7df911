/** A part that comes when it is wanted. One that cannot be had says why beside what was pressed, is not wanted any more, and leaves everything else alone. */
import { Children, Component, isValidElement, Suspense, type ReactNode } from "react";
import { client } from "../client.ts";
import { lacks } from "./lacking.tsx";
import { Attempt } from "./part.tsx";

interface Props {
  children: ReactNode;
  /** What cannot be had says nothing: it only helps. */
  quiet?: boolean;
  /** Takes back the wish for a part that has no `onClose`. */
  onFailed?: () => void;
}

interface State {
  failed: boolean;
  attempt: object;
}

const wanted = (children: ReactNode) => Children.toArray(children).length > 0;

/** What stays wanted is asked for again when there is a connection again. */
export class Later extends Component<Props, State> {
  override state: State = { failed: false, attempt: {} };
  #stop: () => void = () => undefined;

  static getDerivedStateFromError(): Partial<State> {
    return { failed: true };
  }

  override componentDidMount(): void {
    const again = () => {
      if (this.state.failed && client.store.get("status").phase === "live") this.again();
    };
    const stop = client.store.subscribe("status", again);
    window.addEventListener("online", this.again);
    this.#stop = () => {
      stop();
      window.removeEventListener("online", this.again);
    };
  }

  override componentWillUnmount(): void {
    this.#stop();
  }

  override componentDidCatch(): void {
    const closes = Children.toArray(this.props.children).map((child) => (isValidElement<{ onClose?: () => void }>(child) ? child.props.onClose : undefined)).filter((one) => one !== undefined);
    const gone = this.props.onFailed ? [...closes, this.props.onFailed] : closes;
    if (!this.props.quiet) lacks(gone.length > 0 ? undefined : this.again);
    for (const close of gone) close();
  }

  override componentDidUpdate(before: Props): void {
    if (this.state.failed && wanted(this.props.children) && !wanted(before.children)) this.again();
  }

  readonly again = (): void => {
    if (this.state.failed) this.setState({ failed: false, attempt: {} });
  };

  override render(): ReactNode {
    return this.state.failed ? null : <Attempt value={this.state.attempt}><Suspense fallback={null}>{this.props.children}</Suspense></Attempt>;
  }
}
