import type { Scenario } from '../scenario.ts';
import { followersHangLeaderDies, leaderKill, leaderPause, twoBrokersDown } from './brokers.ts';
import { clockBack, clockForward } from './clock.ts';
import { resets } from './connections.ts';
import { brokerDiskFull, gatewayDiskFull } from './disks.ts';
import { gatewayKill, gatewayTerm } from './gateway.ts';
import { blackhole, cutAllBrokers, cutOneBroker, kafkaLatency } from './network.ts';
import { randomPairs } from './pairs.ts';
import { reassign, topicRecreated } from './partitions.ts';
import { registryDown } from './registry.ts';
import { rollingRestart } from './rolling.ts';
import { spoolBacklog } from './spool-backlog.ts';
import { spoolAlwaysKill, spoolKill } from './spool-kill.ts';
import { none } from './steady.ts';

/** All scenarios, in the order in which they run. */
export const scenarios: readonly Scenario[] = [
  none,
  gatewayKill,
  gatewayTerm,
  rollingRestart,
  resets,
  clockForward,
  clockBack,
  registryDown,
  cutOneBroker,
  cutAllBrokers,
  blackhole,
  kafkaLatency,
  reassign,
  topicRecreated,
  leaderKill,
  leaderPause,
  followersHangLeaderDies,
  twoBrokersDown,
  brokerDiskFull,
  gatewayDiskFull,
  spoolBacklog,
  spoolKill,
  spoolAlwaysKill,
  randomPairs,
];

/** @throws {Error} when there is none of this name */
export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`there is no scenario ${name}`);
  return found;
}
