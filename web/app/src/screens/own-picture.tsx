/** The user's own picture: chosen, shown to everyone, taken away. */
import { answer } from "@tidings/client";
import { useEffect, useRef, useState } from "react";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Avatar, Button, Failed } from "../kit/kit.tsx";
import { keepMe } from "../me.ts";
import { refusal } from "../room/attaching.ts";
import { Far } from "../room/attachments.tsx";
import css from "./page.module.css";

export default function OwnPicture() {
  const me = useKey("me");
  const [id, setId] = useState("");
  const [error, setError] = useState<unknown>();
  const chooser = useRef<HTMLInputElement>(null);
  const view = useKey(`upload:${id}`);
  const media = view?.file.media?.id;
  const set = (avatar_media_id: string | null) => answer(client.api.PATCH("/v1/users/me", { body: { avatar_media_id } })).then((account) => {
    keepMe(account);
    setError(undefined);
  }, setError);
  useEffect(() => {
    // It is in use now: nothing is to be taken back.
    if (media) void set(media).finally(() => client.uploads.forget(id));
  }, [media, id]);
  const choose = (file: File | undefined) => {
    if (!file) return;
    client.uploads.cancel(id);
    setError(undefined);
    setId(client.upload(file));
  };
  return (
    <section className={css["form"]} aria-label={t("picture.label")}>
      <div className={css["row"]}>
        <Avatar id={me?.id ?? ""} name={me?.display_name ?? ""} url={me?.avatar_url} />
        <Button onClick={() => chooser.current?.click()}>{t("picture.choose")}</Button>
        {me?.avatar_url ? <Button onClick={() => void set(null)}>{t("picture.remove")}</Button> : null}
        <input ref={chooser} type="file" accept="image/png,image/jpeg,image/webp,image/gif" hidden data-picture onChange={(event) => { choose(event.target.files?.[0]); event.target.value = ""; }} />
      </div>
      {view ? <Far id={id} name={view.file.filename} size={view.file.size} /> : null}
      {view?.state === "failed" ? <Failed error={new Error(refusal(view.problem))} retry={() => client.uploads.retry(id)} /> : null}
      {error === undefined ? null : <Failed error={error} />}
      <p className={css["aside"]}>{t("picture.hint")}</p>
    </section>
  );
}
