import type { IngestObserver } from '../core/ingest.ts';
import { type Rejection, type RejectionReason, rejectionReasons } from '../core/outcome.ts';
import type { Publish } from '../core/publish.ts';
import type { StageObserver } from '../core/stage-failure.ts';
import type { ClampDirection, ClockObserver } from '../core/validation/event-clock.ts';
import { clip, defectFields, type Log } from './log.ts';
import { Durations, type Metrics } from './metrics.ts';
import { Tally } from './tally.ts';

/**
 * The account of every publish (rule 7):
 * received = delivered + spooled + dead-lettered + rejected without a letter + unkept + duplicate + shed + unanswered + in flight.
 */
export class IngestEvents implements IngestObserver, ClockObserver, StageObserver {
  readonly #log: Log;
  readonly #nowMs: () => number;
  readonly #deadLettered = new Tally<RejectionReason>('reason', rejectionReasons);
  readonly #unlettered = new Tally<RejectionReason>('reason', rejectionReasons);
  readonly #unkept = new Tally<RejectionReason>('reason', rejectionReasons);
  readonly #clamped = new Tally<ClampDirection>('direction', ['past', 'future']);
  readonly #latency = new Durations();
  #received = 0;
  #delivered = 0;
  #spooled = 0;
  #duplicate = 0;
  #shed = 0;
  #unanswered = 0;
  /** Counted on its own, not as a difference, so that the account can fail to add up. */
  #inFlight = 0;

  constructor(log: Log, metrics: Metrics, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
    this.#export(metrics);
  }

  /** Publishes that have come in. */
  get came(): number {
    return this.#received;
  }

  /** Publishes that have had an outcome, whichever. */
  get went(): number {
    const { total: deadLettered } = this.#deadLettered;
    const { total: unlettered } = this.#unlettered;
    const durable = this.#delivered + this.#spooled + this.#duplicate;
    return durable + deadLettered + unlettered + this.#unkept.total + this.#shed + this.#unanswered;
  }

  received(_publish: Publish): void {
    this.#received += 1;
    this.#inFlight += 1;
  }

  delivered(publish: Publish): void {
    this.#delivered += 1;
    this.#inFlight -= 1;
    this.#latency.add(this.#nowMs() - publish.receivedAtMs);
  }

  spooled(publish: Publish): void {
    this.#spooled += 1;
    this.#inFlight -= 1;
    this.#latency.add(this.#nowMs() - publish.receivedAtMs);
  }

  rejected(publish: Publish, rejection: Rejection, deadLettered: boolean): void {
    this.#inFlight -= 1;
    (deadLettered ? this.#deadLettered : this.#unlettered).add(rejection.reason);
    this.#log.writeLimited(deadLettered ? 'warn' : 'error', 'publish_rejected', 'a publish can never be taken', {
      reason: rejection.reason,
      // Not the detail: it quotes values of the payload.
      field: rejection.field,
      deviceId: clip(publish.identity.deviceId),
      topic: clip(publish.topic),
      deadLettered,
    });
  }

  unkept(publish: Publish, rejection: Rejection): void {
    this.#inFlight -= 1;
    this.#unkept.add(rejection.reason);
    const text = 'a publish can never be taken, and its device has had its share of dead letters: not kept';
    this.#log.writeLimited('warn', 'publish_not_kept', text, {
      reason: rejection.reason,
      deviceId: clip(publish.identity.deviceId),
      topic: clip(publish.topic),
    });
  }

  duplicate(_publish: Publish): void {
    this.#duplicate += 1;
    this.#inFlight -= 1;
  }

  /** Devices cannot be told from a gateway whose own clock is wrong by one of them, but by their number. */
  timeClamped(direction: ClampDirection): void {
    this.#clamped.add(direction);
    const text = 'the time of an event is too far from the clock here: dated with its receipt';
    this.#log.writeLimited('warn', 'event_time_clamped', text, { direction });
  }

  stageFailed(stage: string, error: unknown): void {
    const text = 'a defect of the gateway: a stage of the pipeline failed, and its publish becomes a dead letter';
    this.#log.writeLimited('error', 'pipeline_stage_failed', text, { stage, ...defectFields(error) });
  }

  shed(_publish: Publish): void {
    this.#shed += 1;
    this.#inFlight -= 1;
  }

  unanswered(_publish: Publish): void {
    this.#unanswered += 1;
    this.#inFlight -= 1;
  }

  #export(metrics: Metrics): void {
    metrics.counter('edge_publishes_received_total', 'Publishes handed to the pipeline.', () => this.#received);
    metrics.counter(
      'edge_publishes_delivered_total',
      'Publishes whose records are all on Kafka.',
      () => this.#delivered,
    );
    metrics.counter(
      'edge_publishes_spooled_total',
      'Publishes acknowledged out of the spool, before Kafka had all of their records.',
      () => this.#spooled,
    );
    metrics.counters(
      'edge_publishes_dead_lettered_total',
      'Publishes that can never be taken and are on the dead-letter topic, by reason.',
      ['reason'],
      () => this.#deadLettered.samples(),
    );
    metrics.counters(
      'edge_publishes_unlettered_total',
      'Publishes that can never be taken and that Kafka refused as dead letters too, by reason.',
      ['reason'],
      () => this.#unlettered.samples(),
    );
    metrics.counters(
      'edge_publishes_unkept_total',
      'Publishes that can never be taken, without a dead letter because their devices had had their share, by reason.',
      ['reason'],
      () => this.#unkept.samples(),
    );
    metrics.counter(
      'edge_publishes_duplicate_total',
      'Publishes that nothing was written for, as all of their events had come before.',
      () => this.#duplicate,
    );
    metrics.counters(
      'edge_event_times_clamped_total',
      "Events dated with their receipt, because the device's time was too far off, by the side on which it lay.",
      ['direction'],
      () => this.#clamped.samples(),
    );
    metrics.counter('edge_publishes_shed_total', 'QoS 0 publishes dropped under pressure.', () => this.#shed);
    metrics.counter(
      'edge_publishes_unanswered_total',
      'Publishes left without an answer, at shutdown or when a copy had lost its connection; their devices send them again.',
      () => this.#unanswered,
    );
    metrics.gauge('edge_publishes_in_flight', 'Publishes received and not settled yet.', () => this.#inFlight);
    metrics.durations(
      'edge_publish_latency_seconds',
      'From reading a publish to its being durable: what a device waits for its PUBACK.',
      this.#latency,
    );
  }
}
