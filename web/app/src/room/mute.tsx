/** How long a member may only read. */
import type { User } from "@tidings/client";
import { useState } from "react";
import { t } from "../i18n.ts";
import Ask from "../kit/ask.tsx";
import { SelectField } from "../kit/kit.tsx";
import { pauses, until } from "../pauses.ts";

export default function Mute({ user, onClose, onMute }: { user: User; onClose: () => void; onMute: (until: string) => Promise<unknown> }) {
  const [pause, setPause] = useState("3600");
  return (
    <Ask title={t("mute.title", { name: user.display_name })} text={t("mute.text")} action={t("members.mute")} onClose={onClose} onSubmit={() => onMute(until(pause) ?? "")}>
      <SelectField label={t("mute.long")} value={pause} onChange={setPause}>
        {pauses().map((one) => <option key={one.id} value={one.id}>{one.label}</option>)}
      </SelectField>
    </Ask>
  );
}
