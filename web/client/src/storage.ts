import { deleteDB, openDB, type IDBPDatabase } from "idb";
import type { Storage } from "./platform.ts";
import type { OutboxEntry } from "./types.ts";

const STORE = "outbox";

/** The outbox in IndexedDB: it outlives the page, and all tabs see it. */
export function indexedDbStorage(name = "tidings"): Storage {
  let opened: Promise<IDBPDatabase> | undefined;
  const database = () => {
    opened ??= openDB(name, 1, {
      upgrade: (fresh) => void fresh.createObjectStore(STORE, { keyPath: "client_id" }),
      // Another tab wants to delete it.
      blocking: (_from, _to, event) => {
        (event.target as IDBDatabase).close();
        opened = undefined;
      },
      terminated: () => {
        opened = undefined;
      },
    }).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
  return {
    all: async () => (await database()).getAll(STORE) as Promise<OutboxEntry[]>,
    put: async (entry) => void (await (await database()).put(STORE, entry)),
    remove: async (clientId) => (await database()).delete(STORE, clientId),
    wipe: async () => {
      if (opened) (await opened).close();
      opened = undefined;
      await deleteDB(name);
    },
  };
}
