import type { CalmArea } from './calm-area.ts';

/** A rectangle in degrees, its borders included. */
export interface Box {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

/** What of the fences matters within one cell. */
export interface Cell {
  /** Fences that hold the whole cell, ascending. */
  readonly whole: readonly number[];
  /** Polygons whose border may run through it. */
  readonly crossing: readonly number[];
  /** All of it, when there are none such. */
  readonly calm: CalmArea | undefined;
}

/** A cell is 2^-10 of a degree high and wide, about 109 m from south to north; a power of two, so that its borders are exact. */
export const cellsPerDegree = 1024;
/** More than the cells of one turn around the earth. */
const cellsPerRow = 2 ** 20;
/** A power of two. With the largest cells they take 18 MB. */
const places = 2 ** 15;
/** Of a cell with more numbers only that is remembered: 32,768 of them must not fill the memory. */
const mostNumbers = 32;

/**
 * Remembers cells of a grid over the earth by the place that their coordinates hash to; of two cells with one place it
 * remembers the last. Vehicles are where other vehicles are, and where they have just been.
 */
export class CellCache {
  readonly #survey: (box: Box) => Cell;
  readonly #keys = new Float64Array(places).fill(Number.NaN);
  readonly #cells = Array.from<Cell | undefined>({ length: places });

  /** @param survey makes a cell. */
  constructor(survey: (box: Box) => Cell) {
    this.#survey = survey;
  }

  /** The cell that a position (degrees) is in; undefined when it is too crowded to be remembered. */
  at(longitudeDeg: number, latitudeDeg: number): Cell | undefined {
    const column = Math.floor(longitudeDeg * cellsPerDegree);
    const row = Math.floor(latitudeDeg * cellsPerDegree);
    const key = row * cellsPerRow + column;
    // Neighbours get different places: 1024 columns and 32 rows lie side by side.
    const place = ((row << 10) + column) & (places - 1);
    return this.#keys[place] === key ? this.#cells[place] : this.#make(column, row, key, place);
  }

  #make(column: number, row: number, key: number, place: number): Cell | undefined {
    const { whole, crossing, calm } = this.#survey(gridBox(column, row, cellsPerDegree));
    const isCrowded = whole.length + crossing.length > mostNumbers;
    // Arrays that grew have room for more: the copies have not.
    const cell = isCrowded ? undefined : { whole: whole.slice(), crossing: crossing.slice(), calm };
    this.#keys[place] = key;
    this.#cells[place] = cell;
    return cell;
  }
}

/** The cell of a grid of so many cells to a degree, a power of two. */
export function gridBox(column: number, row: number, perDegree: number): Box {
  const [west, south] = [column / perDegree, row / perDegree];
  return { west, south, east: west + 1 / perDegree, north: south + 1 / perDegree };
}
