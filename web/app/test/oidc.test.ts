import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { read, way } from "../src/oidc.ts";

test("the provider's way carries the digest of a secret that stays here", async () => {
  const one = await way("https://chat.example.org/v1/oidc/works/start", "https://chat.example.org");
  const url = new URL(one.url);
  expect(url.pathname).toBe("/v1/oidc/works/start");
  expect(url.searchParams.get("return_to")).toBe("/login");
  expect(url.searchParams.get("code_challenge")).toBe(createHash("sha256").update(one.verifier).digest("base64url"));
  expect(one.verifier).toMatch(/^[\w-]{43}$/);
  expect(one.url).not.toContain(one.verifier);
  expect((await way("/v1/oidc/works/start", "https://chat.example.org")).verifier).not.toBe(one.verifier);
  const other = await way("https://chat.example.org/v1/oidc/works/start", "http://127.0.0.1:8080");
  expect(new URL(other.url).searchParams.get("return_to")).toBe("http://127.0.0.1:8080/login");
});

test("a code is taken only by the page that began, and an error says which", () => {
  const kept = JSON.stringify({ verifier: "v", after: "/r/room_1" });
  expect(read("#code=c", kept)).toEqual({ code: "c", verifier: "v", after: "/r/room_1" });
  expect(read("#code=c", null)).toEqual({ error: "gone", verifier: "", after: "/" });
  expect(read("#error=already_exists", kept)).toMatchObject({ error: "already_exists" });
  expect(read("#main", kept)).toBeUndefined();
  expect(read("", kept)).toBeUndefined();
});
