/** The picture beside the user's name. */
import { answer } from "@tidings/client";
import { useEffect, useRef, useState } from "react";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Outcome, useActing } from "../kit/acting.tsx";
import { Avatar, Button, css as kit, Failed } from "../kit/kit.tsx";
import { keepMe } from "../me.ts";
import { refusal } from "../room/attaching.ts";

/** What servers make pictures of. */
const TYPES = "image/jpeg,image/png,image/webp,image/gif";

export default function AvatarField() {
  const me = useKey("me");
  const [id, setId] = useState<string>();
  const upload = useKey(`upload:${id ?? ""}`);
  const acting = useActing();
  const input = useRef<HTMLInputElement>(null);
  const media = upload?.state === "done" ? upload.file.media?.id : undefined;
  const failed = upload?.state === "failed" ? upload.problem : undefined;
  const { act } = acting;
  const set = (avatar_media_id: string | null) => act(() => answer(client.api.PATCH("/v1/users/me", { body: { avatar_media_id } })).then(keepMe));
  const latest = useRef(set);
  latest.current = set;
  useEffect(() => {
    if (!id || !media) return;
    client.uploads.forget(id);
    setId(undefined);
    void latest.current(media);
  }, [id, media]);
  const choose = (file: File | undefined) => {
    if (id) client.uploads.cancel(id);
    setId(file ? client.upload(file) : undefined);
  };
  if (!me) return null;
  return (
    <div role="group" aria-label={t("avatar.label")} className={kit["field"]}>
      <span className={kit["label"]} aria-hidden>{t("avatar.label")}</span>
      <div className={kit["row"]}>
        <Avatar id={me.id} name={me.display_name} url={me.avatar_url} />
        <input ref={input} type="file" accept={TYPES} hidden data-picture onChange={(event) => { choose(event.target.files?.[0]); event.target.value = ""; }} />
        <Button aria-disabled={acting.busy} onClick={() => input.current?.click()}>{me.avatar_url ? t("avatar.change") : t("avatar.choose")}</Button>
        {me.avatar_url ? <Button aria-disabled={acting.busy} onClick={() => void set(null)}>{t("avatar.remove")}</Button> : null}
      </div>
      <span className={kit["hint"]}>{t("picture.hint")}</span>
      {upload && !failed ? <span className={kit["hint"]} role="status">{t("avatar.sending")}</span> : null}
      {failed ? <Failed error={new Error(refusal(failed))} /> : <Outcome acting={acting} />}
    </div>
  );
}
