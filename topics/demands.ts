import { describeConfigError } from '../gateway/config/errors.ts';
import { loadConfig } from '../gateway/config/load.ts';
import type { TopicDemands } from '../gateway/core/topic-demands.ts';
import { topicDemandsOf } from '../gateway/topic-demands-of.ts';

export type DemandsResult =
  | { readonly ok: true; readonly demands: ReadonlyMap<string, TopicDemands> }
  | { readonly ok: false; readonly problems: readonly string[] };

/** What a gateway with the settings of this file demands of its topics; without a file, one with default settings. */
export function readDemands(file: string | undefined): DemandsResult {
  const result = loadConfig(file === undefined ? { settings: {}, env: {} } : { file });
  if (!result.ok) return { ok: false, problems: result.errors.map(describeConfigError) };
  return { ok: true, demands: topicDemandsOf(result.config) };
}
