import type { Message, Room } from "@tidings/client";
import { expect, test, vi } from "vitest";

// The client of a page, which this does not need.
vi.mock("../src/client.ts", () => ({ client: { store: {} } }));
vi.stubGlobal("localStorage", { getItem: () => null });
const { heardOf } = await import("../src/shell/sound.ts");

const message = (id: string, created_at: string, sender = "usr_2") => ({ id, created_at, sender: { id: sender } }) as Message;
const room = (last_message: Message | null, notify = "all") => ({ membership: { notify }, last_message }) as unknown as Room;

test("a message of another person is heard in a room of which one wants to hear all, once it is the newest", () => {
  const before = message("msg_1", "2026-11-27T10:00:00.000Z");
  const after = message("msg_2", "2026-11-27T10:01:00.000Z");
  expect(heardOf(room(after), before, "usr_1")).toBe(after);
  expect(heardOf(room(after), { id: "", created_at: "" }, "usr_1")).toBe(after);
  const silent: [Room, typeof before | undefined][] = [
    [room(after), undefined], [room(after), after], [room(after, "mentions"), before], [room(after, "none"), before], [room(null), before],
    // The newest was deleted: the one before it is not new. One's own is not, either.
    [room(before), after], [room(message("msg_3", "2026-11-27T10:02:00.000Z", "usr_1")), before],
  ];
  expect(silent.map(([one, held]) => heardOf(one, held, "usr_1"))).toEqual(silent.map(() => undefined));
});
