import "./tokens.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { client } from "./client.ts";
import { preferred, speak } from "./i18n.ts";
import { applyTheme, keepSignedIn, signedIn } from "./settings.ts";
import { followViewport } from "./shell/viewport.ts";

applyTheme();
followViewport();
// Only a browser that has signed in is asked for its session.
const restored = signedIn() ? client.restore().catch(() => undefined) : Promise.resolve();
client.store.subscribe("me", () => keepSignedIn(client.store.me?.id));
void speak(preferred()).then(async () => {
  // Whether there is a session decides which screen is the first: nothing is shown that would go at once.
  await restored;
  const root = document.getElementById("app");
  if (root) createRoot(root).render(<StrictMode><App /></StrictMode>);
});
