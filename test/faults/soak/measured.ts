import { judgeMemory } from '../../../faults/soak/memory/verdict.ts';
import type { SoakMeasurements } from '../../../faults/soak/result.ts';
import { madeUpRun } from './memory/memory-run.ts';

/** A soak of half an hour in which nothing went wrong. */
export function goodSoak(leakMbPerMinute = 0): SoakMeasurements {
  const memorySamples = madeUpRun({ seconds: 1_800, seed: 3, leakMbPerMinute });
  const counts = { sent: 9_000_000, acked: 8_982_000, rejected: 18_000, resent: 90, overflowed: 0, disconnects: 450 };
  const now = { atMs: 1_800_000, inFlight: 0, outstanding: 0, connected: 1_000 };
  const latency = { p50Ms: 9, p95Ms: 20, p99Ms: 45, p999Ms: 300, maxMs: 900 };
  return {
    options: {
      ...{ minutes: 30, rate: 5_000, vehicles: 1_000, seed: 3, leaderMoveEveryS: 30, resetSharePerMinute: 0.25 },
      ...{ htmlFile: undefined, jsonFile: undefined },
    },
    startedAtMs: 0,
    seconds: 1_800,
    timeline: {
      marks: [{ atMs: 30_000, kind: 'fault', label: 'leaders <move>' }],
      samples: [{ ...counts, ...now, ...latency }],
      observations: [],
    },
    disturbances: { connectionsReset: 440, leaderMoves: 59, leadersMoved: 708, failedMoves: 0 },
    fleet: { ...counts, ...now, ...latency, cpuS: 500, reasons: [] },
    memorySamples,
    steadyFromS: 300,
    memory: judgeMemory(
      memorySamples.filter(({ atS }) => atS >= 300),
      3,
    ),
    verdict: {
      ...{
        sent: 9_000_000,
        acked: 8_982_000,
        rejected: 18_000,
        unanswered: 0,
        sentOnce: 0,
        sentOnceStored: 0,
        resent: 90,
        excused: 0,
      },
      ...{ inKafka: 8_982_000, inDeadLetters: 18_000, duplicatedLetters: 0, examples: [] },
      ...{ altered: 0, unexplained: 0, compared: 9_000_000 },
      ...{ lost: 0, lostLetters: 0, phantom: 0, outOfOrder: 0, split: 0, wrongPartition: 0, wrongId: 0 },
      ...{ misjudged: 0, duplicated: 80 },
    },
    duplicateBound: 90,
    ...{ accountProblems: [], exitCode: 0 },
    cpu: { gatewayS: 600, fleetS: 500 },
    judgedInS: 200,
  };
}
