const firstCapacity = 64;

/** What the messages of one device say, as checksums by sequence: four bytes each. Sequences count up from 1, without gaps. */
export class Contents {
  #bySequence = new Uint32Array(firstCapacity);

  set(sequence: number, content: number): void {
    if (sequence >= this.#bySequence.length) {
      const larger = new Uint32Array(2 * Math.max(sequence, this.#bySequence.length));
      larger.set(this.#bySequence);
      this.#bySequence = larger;
    }
    this.#bySequence[sequence] = content;
  }

  /** Undefined when nobody has told what it says; no checksum is 0. */
  get(sequence: number): number | undefined {
    return this.#bySequence[sequence] || undefined;
  }
}
