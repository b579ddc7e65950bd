import type { Pressure } from './record-sink.ts';

export interface WatermarkSettings {
  readonly softRecords: number;
  readonly hardRecords: number;
  readonly softBytes: number;
  readonly hardBytes: number;
}

interface Mark {
  readonly records: number;
  readonly bytes: number;
}

/** A level ends a fifth below the mark at which it began, so that it does not flutter. */
const hysteresis = 0.8;

/**
 * Counts everything unsettled, in records and in their encoded bytes before compression, and says how full the gateway
 * is. What the lanes hold is at most that: a sealed batch is compressed.
 */
export class Watermarks {
  readonly #soft: Mark;
  readonly #hard: Mark;
  readonly #onChange: (level: Pressure) => void;
  level: Pressure = 0;
  records = 0;
  bytes = 0;

  constructor(settings: WatermarkSettings, onChange: (level: Pressure) => void) {
    const { softRecords, hardRecords, softBytes, hardBytes } = settings;
    this.#soft = { records: softRecords, bytes: softBytes };
    this.#hard = { records: hardRecords, bytes: hardBytes };
    this.#onChange = onChange;
  }

  /** Records have been appended. */
  add(bytes: number, records = 1): void {
    this.records += records;
    this.bytes += bytes;
    if (this.level < 2 && this.#reaches(this.level === 0 ? this.#soft : this.#hard)) this.#rise();
  }

  /** Records have been settled. */
  remove(records: number, bytes: number): void {
    this.records -= records;
    this.bytes -= bytes;
    if (this.level > 0) this.#fall();
  }

  #rise(): void {
    this.#change(this.#reaches(this.#hard) ? 2 : 1);
  }

  #fall(): void {
    if (this.#isBelow(this.#soft)) this.#change(0);
    else if (this.level === 2 && this.#isBelow(this.#hard)) this.#change(1);
  }

  #change(level: Pressure): void {
    this.level = level;
    this.#onChange(level);
  }

  #reaches(mark: Mark): boolean {
    return this.records >= mark.records || this.bytes >= mark.bytes;
  }

  #isBelow(mark: Mark): boolean {
    return this.records < mark.records * hysteresis && this.bytes < mark.bytes * hysteresis;
  }
}
