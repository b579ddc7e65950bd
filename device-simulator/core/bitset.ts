/** A set of non-negative integers, one bit each, that grows with its largest member. */
export class Bitset {
  #words = new Uint32Array(8);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(member: number): boolean {
    const word = this.#words[member >>> 5];
    return word !== undefined && ((word >>> (member & 31)) & 1) === 1;
  }

  /** Returns true when the member is new. */
  add(member: number): boolean {
    if (this.has(member)) return false;
    const index = member >>> 5;
    if (index >= this.#words.length) this.#grow(index + 1);
    this.#words[index] = ((this.#words[index] as number) | (1 << (member & 31))) >>> 0;
    this.#size += 1;
    return true;
  }

  /** Members in ascending order. */
  *[Symbol.iterator](): Generator<number> {
    for (const [index, word] of this.#words.entries()) {
      if (word === 0) continue;
      for (let bit = 0; bit < 32; bit += 1) if ((word >>> bit) & 1) yield index * 32 + bit;
    }
  }

  #grow(words: number): void {
    const larger = new Uint32Array(Math.max(words, this.#words.length * 2));
    larger.set(this.#words);
    this.#words = larger;
  }
}
