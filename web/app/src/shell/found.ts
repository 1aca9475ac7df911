/** People, and rooms that the user is not in, found by the server while one types. */
import { answer, type Room, type User } from "@tidings/client";
import { useEffect, useState } from "react";
import { client } from "../client.ts";

/** Milliseconds after the last key until it is asked, characters from which on, and how many are shown of each. */
const PAUSE = 250;
const SHORTEST = 2;
const SHOWN = 4;

interface Found {
  /** What was typed. */
  text: string;
  people: User[];
  rooms: Room[];
}

const NOTHING: Found = { text: "", people: [], rooms: [] };

export function useFound(text: string): Found {
  const [found, setFound] = useState<Found>(NOTHING);
  useEffect(() => {
    if (text.length < SHORTEST) return;
    let late = false;
    const timer = setTimeout(() => {
      // What is typed in a hurry must not use up what else the server answers.
      if (!client.spare) return;
      const people = answer(client.api.GET("/v1/users", { params: { query: { query: text, limit: SHOWN + 1 } } }));
      const rooms = answer(client.api.GET("/v1/rooms", { params: { query: { visibility: "public", query: text, limit: 2 * SHOWN } } }));
      Promise.all([people, rooms]).then(([users, all]) => {
        if (late) return;
        const others = users.items.filter((user) => user.id !== client.store.me?.id && !user.deactivated);
        const strange = all.items.filter((room) => !client.store.get(`room:${room.id}`)?.membership && !room.archived);
        setFound({ text, people: others.slice(0, SHOWN), rooms: strange.slice(0, SHOWN) });
      }, () => undefined);
    }, PAUSE);
    return () => {
      late = true;
      clearTimeout(timer);
    };
  }, [text]);
  return text.length >= SHORTEST && found.text === text ? found : NOTHING;
}
