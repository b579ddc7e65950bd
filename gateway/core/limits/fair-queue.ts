/** What waits of one source: in a row with the others by their turns, and in another one with those that are as long. */
class Line<Item> {
  readonly source: string;
  readonly items: Item[] = [];
  /** Whose turn is after this one's. */
  next: Line<Item> | undefined;
  /** Lines that are equally long. */
  before: Line<Item> | undefined;
  after: Line<Item> | undefined;

  constructor(source: string) {
    this.source = source;
  }
}

/**
 * What waits for its turn, by who it comes from: each source has its turn in a circle, first come first served within a
 * source. When it is full, the source that has most in it gives way, so that nobody can keep the others out by filling it.
 *
 * However many sources there are, nothing looks through them: it is when thousands attack that every step counts.
 */
export class FairQueue<Item> {
  readonly #max: number;
  readonly #lines = new Map<string, Line<Item>>();
  /** In the order of their next turns. None is empty. */
  #first: Line<Item> | undefined;
  #last: Line<Item> | undefined;
  /** One line of each length, by which the others of this length are found. The last place is taken: that of the longest. */
  readonly #byLength: (Line<Item> | undefined)[] = [];
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Puts `item` behind those of its source.
   *
   * @returns what there is no room for: the newest of the source that has most, which may be `item` itself; undefined
   *   when there is room.
   */
  push(source: string, item: Item): Item | undefined {
    const own = this.#lines.get(source);
    if (this.#size < this.#max) {
      this.#append(own ?? this.#begin(source), item);
      return undefined;
    }
    const longest = this.#byLength.at(-1);
    // Not also at a tie: then two sources would go on pushing each other out.
    if (longest === undefined || longest === own || (own?.items.length ?? 0) + 1 >= longest.items.length) return item;
    this.#unrank(longest);
    const displaced = longest.items.pop();
    this.#rank(longest);
    this.#trim();
    this.#size -= 1;
    this.#append(own ?? this.#begin(source), item);
    return displaced;
  }

  /** The next one; undefined when nothing waits. */
  shift(): Item | undefined {
    const line = this.#first;
    if (line === undefined) return undefined;
    this.#first = line.next;
    if (this.#first === undefined) this.#last = undefined;
    line.next = undefined;
    this.#unrank(line);
    const item = line.items.shift();
    this.#size -= 1;
    if (line.items.length === 0) {
      this.#lines.delete(line.source);
    } else {
      this.#rank(line);
      this.#queue(line);
    }
    this.#trim();
    return item;
  }

  #begin(source: string): Line<Item> {
    const line = new Line<Item>(source);
    this.#lines.set(source, line);
    this.#queue(line);
    return line;
  }

  /** Its turn comes after all others'. */
  #queue(line: Line<Item>): void {
    if (this.#last === undefined) this.#first = line;
    else this.#last.next = line;
    this.#last = line;
  }

  #append(line: Line<Item>, item: Item): void {
    if (line.items.length > 0) this.#unrank(line);
    line.items.push(item);
    this.#rank(line);
    this.#size += 1;
  }

  #rank(line: Line<Item>): void {
    const length = line.items.length;
    while (this.#byLength.length <= length) this.#byLength.push(undefined);
    const other = this.#byLength[length];
    line.after = other;
    if (other !== undefined) other.before = line;
    this.#byLength[length] = line;
  }

  #unrank(line: Line<Item>): void {
    const { before, after } = line;
    if (after !== undefined) after.before = before;
    if (before === undefined) this.#byLength[line.items.length] = after;
    else before.after = after;
    line.before = undefined;
    line.after = undefined;
  }

  /** Whoever was the longest is one shorter: so this is one step, or two where nothing is left. */
  #trim(): void {
    while (this.#byLength.length > 0 && this.#byLength.at(-1) === undefined) this.#byLength.pop();
  }
}
