import type { FleetSample } from './fleet/fleet-process.ts';
import type { GatewayObservation, Mark, TimelineRecord } from './result.ts';

/** What happened when: phases and faults, the fleet's figures once a second, the gateway as seen from outside. */
export class Timeline implements TimelineRecord {
  readonly marks: Mark[] = [];
  readonly samples: FleetSample[] = [];
  readonly observations: GatewayObservation[] = [];

  mark(kind: Mark['kind'], label: string): Mark {
    const mark = { atMs: Date.now(), kind, label };
    this.marks.push(mark);
    return mark;
  }

  /** Samples of the whole seconds that lie between the two moments. */
  samplesBetween(fromMs: number, toMs: number): FleetSample[] {
    return this.samples.filter(({ atMs }) => atMs - 1000 >= fromMs && atMs <= toMs);
  }

  observationsBetween(fromMs: number, toMs: number): GatewayObservation[] {
    return this.observations.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  }

  /** Whether a running gateway said that it was not ready. */
  sawNotReady(fromMs: number, toMs: number): boolean {
    return this.observationsBetween(fromMs, toMs).some(({ ready }) => ready === false);
  }

  /** Most resident memory in that time, bytes; 0 when nothing was observed. */
  mostResidentBytes(fromMs: number, toMs: number): number {
    return Math.max(0, ...this.observationsBetween(fromMs, toMs).map(({ residentBytes }) => residentBytes));
  }

  highestPressure(fromMs: number, toMs: number): number {
    return Math.max(0, ...this.observationsBetween(fromMs, toMs).map(({ pressure }) => pressure ?? 0));
  }
}
