import { Observability } from '../../../gateway/observability/observability.ts';

export interface Line {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** An observability whose lines are kept and whose clocks are turned by hand. */
export class Captured {
  readonly lines: Line[] = [];
  nowMs = 1_700_000_000_000;
  monotonicMs = 0;
  readonly observability: Observability;

  constructor(level: 'debug' | 'info' | 'silent' = 'debug') {
    this.observability = new Observability({
      level,
      stream: { write: (line) => void this.lines.push(JSON.parse(line) as Line) },
      nowMs: () => this.nowMs,
      monotonicMs: () => this.monotonicMs,
      processMetrics: false,
    });
  }

  /** Figures by name and labels, as a scraper sees them. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const samples = new Map<string, number>();
    for (const line of (await this.observability.metricsText()).split('\n')) {
      const [, sample, value] = /^([a-z][^ ]*(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      if (sample !== undefined) samples.set(sample, Number(value));
    }
    return samples;
  }

  /** The sum of a figure over all of its labels. */
  async total(name: string): Promise<number> {
    let total = 0;
    for (const [sample, value] of await this.metrics()) {
      if (sample === name || sample.startsWith(`${name}{`)) total += value;
    }
    return total;
  }
}
