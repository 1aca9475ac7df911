/** A part that crashes says so in its place, and leaves the others alone. */
import { Component, type ReactNode } from "react";
import { t } from "../i18n.ts";
import { Failed } from "../kit/kit.tsx";

/** What browsers say of a part of the app that they could not load. They remember it: only a page that is loaded anew asks again. */
const PART = /dynamically imported|importing a module|preload/i;

export class Crash extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: undefined };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children;
    if (PART.test(String(this.state.error))) return <Failed error={new Error(t("error.part"))} retry={() => location.reload()} />;
    return <Failed error={this.state.error} retry={() => this.setState({ error: undefined })} />;
  }
}
