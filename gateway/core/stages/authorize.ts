import type { Rejection } from '../outcome.ts';
import type { Passage } from '../passage.ts';
import type { RoutePlan } from '../plan.ts';

/** Finds the route of the topic, and that the identity may use it. */
export function authorize(passage: Passage): Rejection | undefined {
  const { publish, plan } = passage;
  const { recall, topic, identity } = publish;
  const { access } = plan;
  const match = recall === undefined ? plan.table.match(topic) : recall.match(plan.table, topic);
  if (match !== undefined) {
    const { route, levels } = match;
    passage.route = plan.routes[route.index] as RoutePlan;
    passage.levels = levels;
    passage.subject = levels[route.subjectLevel] as string;
    if (recall?.isAllowed(access.generation, identity) === true) return undefined;
  }
  const refusal = access.refusal(identity, topic, match, publish.isWill ? 'will' : 'publish');
  if (refusal === undefined) recall?.allow(access.generation, identity);
  return refusal;
}
