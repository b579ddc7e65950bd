import { setTimeout as delay } from 'node:timers/promises';
import { describeConfigError } from '../../gateway/config/errors.ts';
import { type GatewayConfig, loadConfig } from '../../gateway/config/load.ts';
import { describeFailure } from '../failure.ts';
import { exitCodes, type Printer } from '../run.ts';
import type { AclCluster } from './cluster.ts';
import { type AclState, stateOf } from './compare.ts';
import { type NeededAcl, neededAcls, type Purpose } from './needed.ts';
import type { AclsOptions } from './options.ts';

/** How long brokers may take to show a rule. */
const showDeadlineMs = 30_000;
const showPollMs = 100;

interface Wanted {
  readonly principal: string;
  readonly acls: readonly NeededAcl[];
}

/** Prints the permissions that a principal needs, and how it stands with them; with `apply` grants those that it lacks. */
export async function runAcls(options: AclsOptions, cluster: AclCluster, print: Printer): Promise<number> {
  const config = readSettings(options.config, print);
  if (config === undefined) return exitCodes.unusable;
  const principal = options.principal ?? principalOf(config);
  if (principal === undefined) {
    print.err(
      'topics: --principal says who is to have the permissions, e.g. User:edge-gateway: the settings have no ' +
        'kafka.sasl.userName (of a client certificate it is its name as the brokers see it: User:CN=…)',
    );
    return exitCodes.unusable;
  }
  try {
    const acls = neededAcls(config, options.purpose, await cluster.wantsIdempotentWrite());
    return await compareAndGrant(options, { principal, acls }, cluster, print);
  } catch (error) {
    print.err(`topics: ${describeFailure(error)}`);
    return exitCodes.failed;
  }
}

function readSettings(file: string | undefined, print: Printer): GatewayConfig | undefined {
  const result = loadConfig(file === undefined ? { settings: {}, env: {} } : { file });
  if (result.ok) return result.config;
  for (const error of result.errors) print.err(describeConfigError(error));
  return undefined;
}

const principalOf = ({ kafka: { sasl } }: GatewayConfig): string | undefined =>
  sasl.userName === '' ? undefined : `User:${sasl.userName}`;

const marks = { there: '=', missing: '+', denied: '!' } as const satisfies Record<AclState, string>;

async function compareAndGrant(
  { apply, purpose }: AclsOptions,
  { principal, acls }: Wanted,
  cluster: AclCluster,
  print: Printer,
): Promise<number> {
  const actual = await cluster.read();
  const judged = acls.map((acl) => ({ acl, state: stateOf(acl, principal, actual) }));
  print.out(`${principal} needs as ${describePurpose(purpose)}:`);
  for (const { acl, state } of judged) print.out(`  ${marks[state]} ${lineOf(acl)}`);
  const missing = judged.flatMap(({ acl, state }) => (state === 'missing' ? [acl] : []));
  const denied = judged.filter(({ state }) => state === 'denied').length;
  if (denied > 0) print.err(`topics: ${denied} of them are forbidden by a rule (!), which has to be removed by hand`);
  const left = apply ? await grant(cluster, principal, missing) : missing.length;
  const figures = { action: 'acls', principal, purpose: purpose.kind, needed: acls.length, missing: missing.length };
  print.out(JSON.stringify({ ...figures, denied, applied: apply ? missing.length : 0, left: left + denied }));
  if (apply && left > 0) print.err(`topics: ${left} were granted, but the brokers do not show them`);
  if (left + denied === 0) return exitCodes.asWanted;
  return apply && left > 0 ? exitCodes.failed : exitCodes.differs;
}

/** Returns how many are still not shown in the end: brokers show a rule a moment after the controller has answered. */
async function grant(cluster: AclCluster, principal: string, missing: readonly NeededAcl[]): Promise<number> {
  if (missing.length === 0) return 0;
  await cluster.allow(principal, missing);
  const deadline = performance.now() + showDeadlineMs;
  for (;;) {
    const actual = await cluster.read();
    const left = missing.filter((acl) => stateOf(acl, principal, actual) === 'missing').length;
    if (left === 0 || performance.now() >= deadline) return left;
    await delay(showPollMs);
  }
}

const describePurpose = (purpose: Purpose): string =>
  purpose.kind === 'replay' ? `replay from ${purpose.from} to ${purpose.to}` : purpose.kind;

const lineOf = ({ operation, resource, name, why }: NeededAcl): string =>
  `${operation.padEnd(15)} ${`${resource} ${name}`.padEnd(40)} ${why}`;
