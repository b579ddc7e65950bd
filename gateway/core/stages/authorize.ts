import { noRoute, notAuthorized } from '../access.ts';
import type { Rejection } from '../outcome.ts';
import type { Passage } from '../passage.ts';
import type { RoutePlan } from '../plan.ts';

/** Finds the route of the topic, and that the identity may use it. */
export function authorize(passage: Passage): Rejection | undefined {
  const { publish, plan } = passage;
  const { recall, topic } = publish;
  const match = recall === undefined ? plan.table.match(topic) : recall.match(plan.table, topic);
  if (match === undefined) return noRoute;
  const { route, levels } = match;
  passage.route = plan.routes[route.index] as RoutePlan;
  passage.levels = levels;
  passage.subject = levels[route.subjectLevel] as string;
  return notAuthorized(publish.identity, match);
}
