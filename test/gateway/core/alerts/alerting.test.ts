import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../../gateway/core/alerts/alert.ts';
import { Alerting, type PublishStep } from '../../../../gateway/core/alerts/alerting.ts';
import { compileRules } from '../../../../gateway/core/alerts/compile.ts';
import { derive } from '../../../../gateway/core/alerts/derive.ts';
import type { Rule } from '../../../../gateway/core/alerts/rules/rule.ts';
import { TrackedVehicles } from '../../../../gateway/core/alerts/state/tracked-vehicles.ts';
import { VehicleState } from '../../../../gateway/core/alerts/state/vehicle-state.ts';
import type { DeviceEvent } from '../../../../gateway/core/event.ts';
import { delivered, type Outcome, rejected, spooled, unanswered } from '../../../../gateway/core/outcome.ts';
import { at, event, ruleSettings, square } from './fixture.ts';

const rules = compileRules(ruleSettings, [square('yard', 'keep_out'), square('zone', 'keep_in', 0.5)]);
const refused: Outcome = rejected({ reason: 'refused_by_kafka', detail: '' });

/** An `Alerting` whose calls are written down. */
function scene() {
  const told: string[] = [];
  const kept = new Map<string, VehicleState>();
  const alerting = new Alerting({
    rules,
    vehicles: new TrackedVehicles(10),
    observer: {
      derived: ({ change, finding }) => told.push(`derived ${change} ${finding.rule}`),
      durable: ({ change, finding }) => told.push(`durable ${change} ${finding.rule}`),
      takenBack: () => told.push('taken back'),
    },
    keep: ({ vehicleId, settled }) => {
      const copy = new VehicleState();
      copy.copyFrom(settled);
      kept.set(vehicleId, copy);
    },
  });
  /** Appends one publish. */
  const publish = (...events: DeviceEvent[]) => {
    const step = alerting.derive(events);
    const alerts = step?.alerts ?? [];
    if (step !== undefined) alerting.take(step);
    return { alerts, changes: alerts.map(({ change }) => change), end: (outcome: Outcome) => step?.concluded(outcome) };
  };
  return { alerting, told, kept, publish, tip: () => alerting.vehicles.track('veh-7').tip };
}

const low = { batteryLevel: 0.1 };
const high = { batteryLevel: 0.9 };

describe('the state of a vehicle whose publishes wait for Kafka', () => {
  it('moves on with the publish: the next one is derived on it before Kafka has answered', () => {
    const { publish } = scene();
    expect(publish(event(1, low)).changes).toEqual(['raised']);
    expect(publish(event(2, low)).changes).toEqual([]);
    expect(publish(event(3, high)).changes).toEqual(['cleared']);
  });

  it('is as before when nothing was appended', () => {
    const { alerting, publish, kept, told } = scene();
    publish(event(1, high)).end(delivered);
    const step = alerting.derive([event(2, low)]) as PublishStep;
    expect(step.alerts).toHaveLength(1);
    alerting.drop(step);
    expect(told).toEqual([]);
    expect(publish(event(2, low)).changes).toEqual(['raised']);
    expect(kept.size).toBe(0);
  });

  it.each([delivered, spooled])('is kept when the publish is $kind, and not before', (outcome) => {
    const { publish, kept, told } = scene();
    const first = publish(event(1, low));
    expect(kept.size).toBe(0);
    first.end(outcome);
    expect(kept.get('veh-7')).toMatchObject({ batteryLow: true, sequence: 1 });
    expect(told).toEqual(['derived raised low_battery', 'durable raised low_battery']);
  });

  it('is kept only when something changed that a restart must not forget', () => {
    const { publish, kept } = scene();
    publish(event(1, { batteryLevel: 0.5, speedMps: 3 })).end(delivered);
    expect(kept.size).toBe(0);
    publish(event(2, { speedMps: 20 })).end(delivered);
    expect(kept.get('veh-7')).toMatchObject({ peakMps: 20 });
  });

  it('is kept no further than the oldest publish that still waits, also when later ones are durable', () => {
    const { publish, kept } = scene();
    const first = publish(event(1, low));
    const second = publish(event(2, high));
    second.end(delivered);
    expect(kept.size).toBe(0);
    first.end(delivered);
    expect(kept.get('veh-7')).toMatchObject({ batteryLow: false, sequence: 2 });
  });

  it.each([refused, unanswered])(
    'is taken back when the publish is $kind: the next event raises it again',
    (outcome) => {
      const { publish, kept, told } = scene();
      publish(event(1, low)).end(outcome);
      expect(kept.size).toBe(0);
      expect(told).toEqual(['derived raised low_battery', 'taken back']);
      expect(publish(event(2, low)).alerts.map(({ id }) => id)).toEqual(['unit-7:1:2:low_battery']);
    },
  );

  it('is taken back to that of the publishes before, and what was derived behind counts no more', () => {
    const { publish, kept, tip } = scene();
    const [a, b, c] = [publish(event(1, low)), publish(event(2, at(0.2, 0.5))), publish(event(3, high))];
    b.end(refused);
    expect(tip()).toMatchObject({ sequence: 1, batteryLow: true, inside: [] });
    c.end(delivered);
    a.end(delivered);
    expect(kept.get('veh-7')).toMatchObject({ sequence: 1, batteryLow: true });
    const again = publish(event(4, { ...high, ...at(0.2, 0.5) }));
    expect(again.alerts.map(({ change, finding }) => `${change} ${finding.rule}`)).toEqual([
      'cleared low_battery',
      'raised geofence_violation',
    ]);
    again.end(delivered);
    expect(kept.get('veh-7')).toMatchObject({ sequence: 4, inside: ['yard'] });
  });

  it('is taken back to the last publish that mattered, also over quiet ones and when several fail', () => {
    const { publish, kept } = scene();
    publish(event(1, low)).end(delivered);
    const quiet = publish(event(2, low));
    const [b, c, d] = [publish(event(3, high)), publish(event(4, low)), publish(event(5, high))];
    c.end(refused);
    b.end(refused);
    const again = publish(event(6, high));
    expect(again.changes).toEqual(['cleared']);
    for (const each of [quiet, d, again]) each.end(delivered);
    expect(kept.get('veh-7')).toMatchObject({ sequence: 6, batteryLow: false });
  });

  it('is durable as far as the last report, when nothing waits', () => {
    const { publish, alerting } = scene();
    const durable = () => alerting.vehicles.track('veh-7').durable;
    publish(event(1, low)).end(delivered);
    const quiet = publish(event(2, low));
    expect(durable()).toMatchObject({ sequence: 1 });
    quiet.end(delivered);
    expect(durable()).toMatchObject({ sequence: 2, batteryLow: true });
  });

  it('is that of its own vehicle, whichever of them was settled before', () => {
    const { publish, kept } = scene();
    const of = (subject: string, sequence: number, message: object) => event(sequence, message, { subject });
    publish(of('a', 1, low)).end(delivered);
    publish(of('b', 1, { speedMps: 20 })).end(delivered);
    const [a, b] = [publish(of('a', 2, high)), publish(of('b', 2, low))];
    b.end(delivered);
    a.end(delivered);
    expect(kept.get('a')).toMatchObject({ sequence: 2, batteryLow: false, peakMps: -1 });
    expect(kept.get('b')).toMatchObject({ sequence: 2, batteryLow: true, peakMps: 20 });
  });

  it('passes over the late items of a batch', () => {
    const { publish, kept } = scene();
    publish(event(5, high)).end(delivered);
    const batch = publish(event(3, low), event(6, high), event(4, low));
    expect(batch.changes).toEqual([]);
    expect(publish(event(7, low)).changes).toEqual(['raised']);
    expect(kept.size).toBe(0);
  });

  it('is as before when a rule throws at the second item of a batch', () => {
    const { alerting, publish } = scene();
    const failing: Rule = {
      apply: (each, _message, _state, alerts) => {
        if (each.sequence === 2) throw new Error('a defect');
        return alerts;
      },
    };
    alerting.rules = [...rules, failing];
    expect(() => alerting.derive([event(1, low), event(2, low)])).toThrow('a defect');
    alerting.rules = rules;
    expect(publish(event(1, low)).changes).toEqual(['raised']);
  });

  it('counts at once when the outcome is told before the append returns', () => {
    const { alerting, kept } = scene();
    const step = alerting.derive([event(1, low)]) as PublishStep;
    step.concluded(delivered);
    expect(kept.size).toBe(0);
    alerting.take(step);
    expect(kept.get('veh-7')).toMatchObject({ batteryLow: true });
    const failed = alerting.derive([event(2, high)]) as PublishStep;
    failed.concluded(refused);
    alerting.take(failed);
    expect(alerting.vehicles.track('veh-7').tip).toMatchObject({ batteryLow: true, sequence: 1 });
  });

  it('moves item by item within a batch, and its alerts come in that order', () => {
    const { publish } = scene();
    const { alerts } = publish(event(1, low), event(2, { ...high, ...at(0.2, 0.5) }), event(3, low));
    expect(alerts.map(({ causationId, change, finding }) => `${causationId} ${change} ${finding.rule}`)).toEqual([
      'unit-7:1:1 raised low_battery',
      'unit-7:1:2 cleared low_battery',
      'unit-7:1:2 raised geofence_violation',
      'unit-7:1:3 raised low_battery',
    ]);
  });

  it('does not move for a publish that has nothing new', () => {
    const { alerting, publish } = scene();
    publish(event(5, high));
    expect(alerting.derive([event(5, low)])).toBeUndefined();
    expect(alerting.derive([event(4, low)])).toBeUndefined();
  });

  it('follows rules that are exchanged between two publishes', () => {
    const { alerting, publish } = scene();
    alerting.rules = [];
    expect(publish(event(1, low)).changes).toEqual([]);
    alerting.rules = rules;
    expect(publish(event(2, low)).changes).toEqual(['raised']);
  });
});

describe('a gateway that is killed and started again', () => {
  const level = fc.constantFrom(0.1, 0.17, 0.9);
  const position = fc.constantFrom(-0.5, 0.2, 0.7, 1.2).map((x) => at(x, 0.5).position);
  const message = fc.record({ batteryLevel: level, position, speedMps: fc.constantFrom(0, 8, 20) });
  const run = fc.record({
    messages: fc.array(message, { minLength: 1, maxLength: 30 }),
    /** After how many publishes each process is killed, and how many of these were not settled. */
    kills: fc.array(fc.record({ after: fc.integer({ min: 1, max: 8 }), unsettled: fc.nat({ max: 4 }) }), {
      maxLength: 4,
    }),
  });

  it('writes just the alerts that one which ran through would have written, under the same ids', () => {
    fc.assert(
      fc.property(run, ({ messages, kills }) => {
        const events = messages.map((each, sequence) => event(sequence, each));
        const state = new VehicleState();
        const expected = events.flatMap((each) => derive(each, state, rules));
        expect(new Set(killedAndStarted(events, kills).map(({ id }) => id))).toEqual(
          new Set(expected.map(({ id }) => id)),
        );
      }),
      { numRuns: 1000 },
    );
  });

  /** Publishes in order; at each kill, what was not settled is sent again to the next process, which has what was kept. */
  function killedAndStarted(
    events: readonly DeviceEvent[],
    kills: readonly { after: number; unsettled: number }[],
  ): Alert[] {
    const written: Alert[] = [];
    let next = 0;
    let kept: VehicleState | undefined;
    for (const { after, unsettled } of [...kills, { after: events.length, unsettled: 0 }]) {
      const { publish, alerting, kept: store } = scene();
      if (kept !== undefined) alerting.vehicles.restore('veh-7', kept);
      const publishes = events.slice(next, next + after).map((each) => publish(each));
      for (const { alerts } of publishes) written.push(...alerts);
      const settled = Math.max(0, publishes.length - unsettled);
      for (const each of publishes.slice(0, settled)) each.end(delivered);
      next += settled;
      kept = store.get('veh-7') ?? kept;
    }
    return written;
  }
});
