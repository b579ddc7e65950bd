import type { FleetSample } from '../../faults/fleet/fleet-process.ts';
import type { Verdict } from '../../faults/judge/judge.ts';
import type { GatewayObservation, ScenarioNotRun, ScenarioRun } from '../../faults/result.ts';

/** A verdict without a flaw over 100 messages. */
export const goodVerdict: Verdict = {
  ...{
    sent: 100,
    acked: 90,
    rejected: 10,
    unanswered: 0,
    sentOnce: 0,
    sentOnceStored: 0,
    resent: 7,
    excused: 0,
    inKafka: 90,
    inDeadLetters: 10,
  },
  ...{ lost: 0, lostLetters: 0, phantom: 0, outOfOrder: 0, split: 0, wrongPartition: 0, wrongId: 0, misjudged: 0 },
  ...{ altered: 0, unexplained: 1, compared: 103 },
  ...{ duplicated: 3, duplicatedLetters: 1, examples: [] },
};

export const goodRun: ScenarioRun = {
  ...{ ran: true, name: 'none', title: 'Nothing breaks', what: 'nothing is done', seed: 7, durationMs: 12_345 },
  ...{ verdict: goodVerdict, duplicateBound: 7, problems: [], recoveryMs: 1500 },
  timeline: { marks: [], samples: [], observations: [] },
};

export const lossyRun: ScenarioRun = {
  ...goodRun,
  ...{ name: 'leader-kill', title: 'Leader killed', what: 'the leader is killed' },
  verdict: { ...goodVerdict, lost: 2, examples: ['lost: veh-1 sequence 3'] },
  problems: [{ finding: 'lost', text: '2 lost: answered, and not on Kafka' }],
};

export const notRun: ScenarioNotRun = {
  ...{ ran: false, name: 'broker-disk-full', title: 'Disk full', what: 'the disk is full', seed: 7 },
  reason: 'no user namespaces',
};

export const sample = (atMs: number, figures: Partial<FleetSample> = {}): FleetSample => ({
  ...{ atMs, sent: 10, acked: 9, rejected: 1, resent: 0, overflowed: 0, disconnects: 0 },
  ...{ inFlight: 3, outstanding: 4, connected: 200, p50Ms: 5, p99Ms: 20, maxMs: 30 },
  ...figures,
});

export const observation = (atMs: number, figures: Partial<GatewayObservation> = {}): GatewayObservation => ({
  ...{ atMs, running: true, ready: true, residentBytes: 100 * 1024 * 1024, pressure: 0 },
  ...figures,
});
