import type { Room } from "@tidings/client";
import { expect, test } from "vitest";
import { instant, given } from "../src/admin/filters.tsx";
import { points, rates, sampled, type Sample, type Stats } from "../src/admin/chart.ts";
import { pagesOf } from "../src/admin/pages.ts";
import { recipients } from "../src/admin/recipients.ts";
import { device } from "../src/device.ts";
import { until } from "../src/pauses.ts";
import { matches, powers, rights } from "../src/room/powers.ts";
import { changes } from "../src/screens/edit-room.tsx";
import { proposed } from "../src/screens/register.tsx";

const room = (role: string | undefined, more: object = {}) => ({ kind: "group", archived: false, membership: role ? { role } : null, ...more }) as Room;

test("members act on lower roles only", () => {
  const may = (own: string | undefined, theirs: "owner" | "admin" | "member", more?: object) => powers(room(own, more), theirs, false);
  expect(may("owner", "admin")).toEqual({ raise: true, restrain: true });
  expect(may("owner", "owner")).toEqual({ raise: false, restrain: false });
  expect(may("admin", "member")).toEqual({ raise: false, restrain: true });
  expect(may("admin", "admin")).toEqual({ raise: false, restrain: false });
  expect(may("member", "member")).toEqual({ raise: false, restrain: false });
  for (const none of [may(undefined, "member"), may("owner", "member", { kind: "direct" }), may("owner", "member", { archived: true }), powers(room("owner"), "member", true)]) expect(none).toEqual({ raise: false, restrain: false });
  expect([rights(room("owner")), rights(room("admin")), rights(room("member")), rights(room("owner", { kind: "direct" }))].map(({ manages, owns }) => [manages, owns])).toEqual([[true, true], [true, false], [false, false], [false, false]]);
});

test("members are found by the beginnings of their names", () => {
  const ana = { username: "ana.l", display_name: "Ána María Lima" };
  expect(["", "an", "@ANA", "maria", "lim", "ana m"].map((text) => matches(ana, text))).toEqual(Array(6).fill(true));
  expect(["na", "ima", "x"].map((text) => matches(ana, text))).toEqual([false, false, false]);
});

test("a room's form sends what was changed, and clears what was emptied", () => {
  const before = { name: "harbour", topic: "tides", visibility: "public", posting: "everyone", slow_mode_seconds: 0, retention_days: "30" } as const;
  expect(changes(before, before)).toEqual({});
  expect(changes(before, { ...before, topic: " ", retention_days: "", slow_mode_seconds: 60 })).toEqual({ topic: null, retention_days: null, slow_mode_seconds: 60 });
  expect(changes({ ...before, retention_days: "" }, { ...before, name: "port" })).toEqual({ name: "port", retention_days: 30 });
});

test("a chosen span ends at its moment", () => {
  const now = new Date(2026, 10, 26, 17, 30);
  expect(until("3600", now)).toBe(new Date(2026, 10, 26, 18, 30).toISOString());
  expect(until("morning", now)).toBe(new Date(2026, 10, 27, 8).toISOString());
  expect(until("morning", new Date(2026, 10, 27, 2))).toBe(new Date(2026, 10, 27, 8).toISOString());
  for (const none of ["", "off", "keep", "0", "-5"]) expect(until(none, now)).toBeUndefined();
});

test("what a client calls itself, in words", () => {
  const all = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0": ["Firefox", "Linux"],
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0": ["Edge", "Windows"],
    "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36": ["Chrome", "Android"],
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1": ["Safari", "iOS"],
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15": ["Safari", "macOS"],
    "curl/8.14.1": [undefined, undefined], "": [undefined, undefined],
  };
  for (const [agent, [browser, system]] of Object.entries(all)) expect(device(agent), agent).toEqual({ browser, system });
});

test("moderators see reports and rooms, admins everything, others nothing", () => {
  expect(pagesOf("moderator")).toEqual(["reports", "rooms"]);
  expect(pagesOf("admin")).toContain("requests");
  expect([pagesOf("user"), pagesOf(undefined)]).toEqual([[], []]);
});

test("filters that are empty are not asked", () => {
  expect(given({ type: "", actor: "usr_1", since: undefined, status: 0 })).toEqual({ actor: "usr_1", status: 0 });
  expect(instant("2026-11-26T12:00")).toBe(new Date(2026, 10, 26, 12).toISOString());
  expect([instant(""), instant("soon")]).toEqual([undefined, undefined]);
});

test("recipients of a notice, each once", () => {
  expect(recipients("@Ana, bo;  ana\nusr_06F1")).toEqual(["@ana", "@bo", "usr_06F1"]);
  expect(recipients("  ")).toEqual([]);
});

test("figures over time", () => {
  const sample = (minute: number, messages: number): Sample => ({ at: minute * 60_000, stats: { messages } as Stats });
  const all = [sample(0, 10), sample(0.5, 20), sample(1.5, 25), sample(2, 3)];
  // A count that fell, as after a restore, grew by nothing.
  expect(rates(all, (one) => one.messages)).toEqual([20, 5, 0]);
  expect(rates(all.slice(0, 1), (one) => one.messages)).toEqual([]);
  expect(points([0, 5, 10], 100, 50)).toBe("0,50 50,25 100,0");
  expect(points([0, 0], 100, 50)).toBe("0,50 100,50");
  let kept: Sample[] = [];
  for (let i = 0; i < 100; i++) kept = sampled(kept, sample(i, i));
  expect([kept.length, kept[0]?.stats.messages, kept.at(-1)?.stats.messages]).toEqual([60, 40, 99]);
});

test("a username is proposed that is like the name", () => {
  expect(["Ana Lima", "  Zoë  de-la Cruz ", "李雷", "<b>", "x".repeat(40), `${"y".repeat(31)} z`].map(proposed)).toEqual(["ana.lima", "zoe.de.la.cruz", "", "b", "x".repeat(32), "y".repeat(31)]);
});
