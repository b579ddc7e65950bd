import type { DeviceEvent } from '../event.ts';
import { isDurable, type Outcome } from '../outcome.ts';
import type { Trail } from '../publish.ts';
import type { Alert } from './alert.ts';
import { derive, noAlerts } from './derive.ts';
import type { Rule } from './rules/rule.ts';
import type { Step, StepOwner, TrackedVehicle } from './state/tracked-vehicle.ts';
import type { TrackedVehicles } from './state/tracked-vehicles.ts';
import { VehicleState } from './state/vehicle-state.ts';

/** What is counted of alerts; implemented by observability. Called for alerts only, not for reports without. */
export interface AlertObserver {
  /** Its record is appended, in one publish with the event that caused it. */
  derived(alert: Alert): void;
  /** Its publish is concluded: the alert and its cause are durable. */
  durable(alert: Alert): void;
  /** A record of the publish was refused for good, or dropped at shutdown: the vehicle's state was taken back. */
  takenBack(): void;
}

export interface AlertingOptions {
  readonly rules: readonly Rule[];
  readonly vehicles: TrackedVehicles;
  readonly observer: AlertObserver;
  /**
   * Told of each vehicle whose settled state a restart must not forget, as soon as it is settled and before the device is
   * answered.
   */
  readonly keep: (vehicle: TrackedVehicle) => void;
}

/**
 * Derives the alerts of publishes, and moves the states of vehicles on with what becomes of these publishes; see
 * `TrackedVehicle`. A report without alerts allocates nothing here.
 */
export class Alerting implements StepOwner {
  /** May be exchanged between two publishes. */
  rules: readonly Rule[];
  readonly vehicles: TrackedVehicles;
  readonly #observer: AlertObserver;
  readonly #keep: AlertingOptions['keep'];
  readonly #spare: PublishStep[] = [];
  /** The vehicle before the last `derive`. */
  readonly #before = new VehicleState();

  constructor({ rules, vehicles, observer, keep }: AlertingOptions) {
    this.rules = rules;
    this.vehicles = vehicles;
    this.#observer = observer;
    this.#keep = keep;
  }

  /**
   * Moves the vehicle on; `take` confirms that, `drop` takes it back. One of the two must be called before the next
   * `derive`.
   *
   * @param events of one publish, at least one; all of them are of one vehicle. Their alerts come in the order of the events.
   * @returns undefined when none of the events is news: all are late or repeated.
   * @throws what a rule throws; the vehicle is as before.
   */
  derive(events: readonly DeviceEvent[]): PublishStep | undefined {
    const vehicle = this.vehicles.track((events[0] as DeviceEvent).subject);
    const step = this.#spare.pop() ?? new PublishStep(this);
    const { tip } = vehicle;
    const before = this.#before;
    before.copyFrom(tip);
    step.begin(vehicle);
    try {
      this.#deriveAll(events, tip, step);
    } catch (error) {
      this.drop(step);
      throw error;
    }
    if (tip.timeUs !== before.timeUs || tip.sequence !== before.sequence || tip.bootId !== before.bootId) return step;
    this.release(step);
    return undefined;
  }

  #deriveAll(events: readonly DeviceEvent[], tip: VehicleState, step: PublishStep): void {
    for (let i = 0; i < events.length; i++) {
      tip.notable = false;
      const alerts = derive(events[i] as DeviceEvent, tip, this.rules);
      if (tip.notable) step.notable = true;
      if (alerts.length > 0) step.alerts = step.alerts.length === 0 ? alerts : [...step.alerts, ...alerts];
    }
  }

  /** The event and its alerts have been appended. */
  take(step: PublishStep): void {
    step.take();
    for (let i = 0; i < step.alerts.length; i++) this.#observer.derived(step.alerts[i] as Alert);
  }

  /** Nothing was appended. */
  drop(step: PublishStep): void {
    step.undo(this.#before);
    this.release(step);
  }

  /** Of a step that ended. */
  count({ end, alerts }: Step): void {
    if (end === 'failed') this.#observer.takenBack();
    else for (let i = 0; i < alerts.length; i++) this.#observer.durable(alerts[i] as Alert);
  }

  keep(vehicle: TrackedVehicle): void {
    this.#keep(vehicle);
  }

  release(step: Step): void {
    (step as PublishStep).clear();
    this.#spare.push(step as PublishStep);
  }
}

/** A step and the way in which its publish tells how it ended. Used again for other publishes. */
export class PublishStep implements Step, Trail {
  notable = false;
  snapshot = new VehicleState();
  alerts: readonly Alert[] = noAlerts;
  end: Step['end'] = 'open';
  void = false;
  next: Step | undefined;
  readonly #alerting: Alerting;
  #vehicle: TrackedVehicle | undefined;
  #taken = false;

  constructor(alerting: Alerting) {
    this.#alerting = alerting;
  }

  begin(vehicle: TrackedVehicle): void {
    this.#vehicle = vehicle;
  }

  take(): void {
    const vehicle = this.#vehicle;
    if (vehicle === undefined) return;
    if (this.notable) this.snapshot.copyFrom(vehicle.tip);
    this.#taken = true;
    vehicle.add(this, this.#alerting);
  }

  undo(before: VehicleState): void {
    this.#vehicle?.tip.copyFrom(before);
  }

  concluded(outcome: Outcome): void {
    this.end = isDurable(outcome) ? 'durable' : 'failed';
    this.#alerting.count(this);
    if (this.#taken) this.#vehicle?.ended(this, this.#alerting);
  }

  clear(): void {
    this.notable = false;
    this.alerts = noAlerts;
    this.end = 'open';
    this.void = false;
    this.next = undefined;
    this.#vehicle = undefined;
    this.#taken = false;
  }
}
