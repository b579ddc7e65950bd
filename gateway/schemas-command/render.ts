import { type Comparison, describeProblems } from '../schema-registry/compare.ts';

type State = Comparison['state'];

const signs: Readonly<Record<State, string>> = { registered: '=', first: '+', compatible: '~', incompatible: '!' };

/** One schema as lines: `=` is registered, `+` new subject, `~` new version, `!` incompatible, with what breaks. */
export function renderComparison(comparison: Comparison): string[] {
  const { schema, state, registered } = comparison;
  const said: Readonly<Record<State, string>> = {
    registered: `registered, id ${registered?.id}`,
    first: 'not registered yet; the first of its subject',
    compatible: 'a new version, compatible',
    incompatible: 'INCOMPATIBLE',
  };
  const lines = [`${signs[state]} ${schema.subject} (${schema.type}): ${said[state]}`];
  return [...lines, ...describeProblems(comparison).map((problem) => `    ${problem}`)];
}

export function renderSummary(comparisons: readonly Comparison[]): string {
  const { registered, first, compatible, incompatible } = countsOf(comparisons);
  return `${comparisons.length} schemas: ${registered} registered, ${first} new, ${compatible} with a new version, ${incompatible} incompatible`;
}

/** For machines. */
export function figuresOf(
  registry: string,
  compatibility: string,
  comparisons: readonly Comparison[],
  newlyRegistered: number,
): object {
  const subjects = comparisons.map((comparison) => ({
    subject: comparison.schema.subject,
    type: comparison.schema.type,
    state: comparison.state,
    id: comparison.registered?.id ?? null,
    problems: describeProblems(comparison),
  }));
  return { registry, compatibility, ...countsOf(comparisons), newlyRegistered, subjects };
}

function countsOf(comparisons: readonly Comparison[]): Record<State, number> {
  const count = (state: State) => comparisons.filter((comparison) => comparison.state === state).length;
  return {
    registered: count('registered'),
    first: count('first'),
    compatible: count('compatible'),
    incompatible: count('incompatible'),
  };
}
