import type { ActualAcl } from './cluster.ts';
import type { NeededAcl } from './needed.ts';

/** `there`: granted from anywhere. `missing`: to be granted. `denied`: a rule forbids it, which granting does not mend. */
export type AclState = 'there' | 'missing' | 'denied';

/** Operations that contain others, as Kafka's authorizer has it (KIP-11). */
const implying: Readonly<Record<string, readonly string[]>> = {
  Describe: ['Read', 'Write', 'Delete', 'Alter'],
  DescribeConfigs: ['AlterConfigs'],
};

/** How a principal stands with a permission. A rule that forbids wins over those that allow. */
export function stateOf(needed: NeededAcl, principal: string, actual: readonly ActualAcl[]): AclState {
  const about = actual.filter((rule) => isAbout(rule, needed) && [principal, 'User:*'].includes(rule.principal));
  if (about.some((rule) => !rule.allows && ['All', needed.operation].includes(rule.operation))) return 'denied';
  const granting = ['All', needed.operation, ...(implying[needed.operation] ?? [])];
  // One that allows a single host only may not be the gateway's.
  const isGranted = about.some((rule) => rule.allows && rule.host === '*' && granting.includes(rule.operation));
  return isGranted ? 'there' : 'missing';
}

function isAbout(rule: ActualAcl, { resource, name }: NeededAcl): boolean {
  if (rule.resource !== resource) return false;
  if (rule.pattern === 'prefixed') return name.startsWith(rule.name);
  return rule.name === '*' || rule.name === name;
}
