/** What a `KeptTable` keeps of a key. */
export interface Kept {
  readonly key: string;
  /** How many hold it at present; only the table changes it. */
  uses: number;
  /** Has shown that it belongs here: somebody logged in. */
  isProven: boolean;
}

/**
 * What is known of keys that strangers choose. An entry that is in use stays; of the others so many are remembered, those
 * that came last. Proven ones have one half of the room for themselves: strangers, however many, push out only each other.
 */
export class KeptTable<Entry extends Kept> {
  readonly #maxIdle: number;
  readonly #used = new Map<string, Entry>();
  readonly #strangers = new Map<string, Entry>();
  readonly #proven = new Map<string, Entry>();

  /** @param maxIdle entries that are remembered though nobody holds them. */
  constructor(maxIdle: number) {
    this.#maxIdle = Math.max(1, Math.floor(maxIdle / 2));
  }

  /** Entries, in use or remembered. */
  get size(): number {
    return this.#used.size + this.#strangers.size + this.#proven.size;
  }

  /** The entry of this key, made where there is none; held until `leave`. */
  take(key: string, make: () => Entry): Entry {
    const entry = this.#used.get(key) ?? this.#fromIdle(key) ?? make();
    if (entry.uses === 0) this.#used.set(key, entry);
    entry.uses += 1;
    return entry;
  }

  /** One of those who held it does no more. */
  leave(entry: Entry): void {
    entry.uses -= 1;
    if (entry.uses > 0) return;
    this.#used.delete(entry.key);
    const shelf = entry.isProven ? this.#proven : this.#strangers;
    shelf.set(entry.key, entry);
    if (shelf.size > this.#maxIdle) dropFirst(shelf);
  }

  #fromIdle(key: string): Entry | undefined {
    const entry = this.#proven.get(key) ?? this.#strangers.get(key);
    if (entry === undefined) return undefined;
    this.#proven.delete(key);
    this.#strangers.delete(key);
    return entry;
  }
}

function dropFirst<Entry>(shelf: Map<string, Entry>): void {
  for (const key of shelf.keys()) {
    shelf.delete(key);
    return;
  }
}
