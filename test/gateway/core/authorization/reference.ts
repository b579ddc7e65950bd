import type { Identity } from '../../../../gateway/core/identity.ts';

/** Every topic of up to four levels over a small alphabet; `z` is a level that no pattern of a test names. */
const alphabet = ['', 'a', 'b', '$x', 'z'];

function topicsOf(levels: number): string[] {
  if (levels === 0) return [];
  const shorter = topicsOf(levels - 1);
  const longest = levels === 1 ? alphabet : shorter.flatMap((topic) => alphabet.map((level) => `${topic}/${level}`));
  return [...shorter, ...longest];
}

/**
 * The empty topic among them, although no packet can name it [MQTT-4.7.3-1]: counting it makes containment simple, and can
 * only make more be denied.
 */
export const allTopics: readonly string[] = [...new Set(topicsOf(4))];

/** Section 4.7 of MQTT 5.0, word for word: what a topic filter matches. */
export function filterMatches(filter: string, topic: string): boolean {
  const startsWild = filter.startsWith('+') || filter.startsWith('#');
  if (startsWild && topic.startsWith('$')) return false;
  return levelsMatch(filter.split('/'), topic.split('/'));
}

function levelsMatch([first, ...filters]: readonly string[], topics: readonly string[]): boolean {
  if (first === undefined) return topics.length === 0;
  if (first === '#') return true;
  const [topic, ...rest] = topics;
  if (topic === undefined) return false;
  return (first === '+' || first === topic) && levelsMatch(filters, rest);
}

/** The topic filter that a pattern is for one device; undefined when it can be none. */
export function filled(pattern: string, identity: Identity): string | undefined {
  const levels = pattern.split('/').map((level) => {
    const name = /^\{(\w+)\}$/.exec(level)?.[1] as 'deviceId' | 'boundTo' | 'kind' | undefined;
    return name === undefined ? level : identity[name];
  });
  const names = pattern.split('/').map((level) => level.startsWith('{'));
  if (levels.some((level, index) => names[index] && (level === '' || /[/+#]/.test(level)))) return undefined;
  return levels.join('/');
}
