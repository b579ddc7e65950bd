import type { Identity } from '../identity.ts';

/**
 * What of an identity may stand in a pattern. Not the MQTT client identifier: that is what a client says of itself, and is
 * proven by nothing.
 */
export const placeholderNames = ['deviceId', 'boundTo', 'kind'] as const;
export type PlaceholderName = (typeof placeholderNames)[number];

/** A level of a topic filter as text; the wildcards are levels of their own, so that no literal level is one of them. */
type Level = string;
const anyLevel = '+';
const anyRest = '#';

/** As long as any topic may be: MQTT 5.0, section 1.5.4. */
const maxPatternLength = 65_535;

/**
 * The topics of a rule: a topic filter (MQTT 5.0, section 4.7) whose levels may be `{deviceId}`, `{boundTo}` or `{kind}`.
 * A placeholder stands for one whole level and for what the identity says, letter for letter: an id that is empty, or has a
 * wildcard or a separator in it, fits nowhere.
 */
export class RulePattern {
  readonly text: string;
  readonly #levels: readonly Level[];
  /** By level; undefined where it is no placeholder. */
  readonly #names: readonly (PlaceholderName | undefined)[];

  private constructor(text: string, levels: readonly Level[]) {
    this.text = text;
    this.#levels = levels;
    this.#names = levels.map(placeholderOf);
  }

  /** @returns what is wrong with it, in words, when `text` is no pattern. */
  static parse(text: string): RulePattern | string {
    if (text === '') return 'is empty; a topic has at least one character';
    if (text.length > maxPatternLength) return `is longer than ${maxPatternLength} characters, as no topic can be`;
    if (text.includes('\0')) return 'has the character NUL in it, which no topic can have';
    if (text.startsWith('$share/')) {
      return 'is a shared subscription; write the topics alone, which are what a shared subscription is judged by';
    }
    const levels = text.split('/');
    for (const [index, level] of levels.entries()) {
      const problem = levelProblem(level, index === levels.length - 1);
      if (problem !== undefined) return problem;
    }
    return new RulePattern(text, levels);
  }

  /** Whether it speaks of `name`. */
  mentions(name: PlaceholderName): boolean {
    return this.#names.includes(name);
  }

  /**
   * Whether it matches a topic. Allocates nothing: a device that changes topics is judged anew at each publish.
   *
   * @param topic without wildcards.
   */
  matches(topic: string, identity: Identity): boolean {
    const levels = this.#levels;
    let at = 0;
    for (let i = 0; i < levels.length; i++) {
      const level = levels[i] as Level;
      // Wildcards in front do not match the server's own topics [MQTT-4.7.2-1].
      const isWild = level === anyLevel || level === anyRest;
      if (isWild && i === 0 && topic.startsWith('$')) return false;
      // Also what stands before it matches, `a` as well as `a/b` for `a/#` (section 4.7.1.2).
      if (level === anyRest) return true;
      if (at > topic.length) return false;
      const slash = topic.indexOf('/', at);
      const end = slash < 0 ? topic.length : slash;
      if (level !== anyLevel) {
        const text = this.#textAt(i, identity);
        if (text === undefined || text.length !== end - at || !topic.startsWith(text, at)) return false;
      }
      at = end + 1;
    }
    return at > topic.length;
  }

  /** Whether every topic that `filter` matches is one of its own. */
  covers(filter: readonly string[], identity: Identity): boolean {
    const levels = this.#levelsOf(identity);
    if (levels === undefined) return false;
    for (let i = 0; ; i++) {
      const level = levels[i];
      const other = filter[i];
      if (level === anyRest) return i > 0 || !startsWithDollar(other);
      // Of all topics only `#` and `+/#` match each: every topic has a first level.
      if (other === anyRest) return i === 0 && level === anyLevel && levels[1] === anyRest;
      if (level === undefined || other === undefined) return level === other;
      if (level === anyLevel) {
        if (i === 0 && startsWithDollar(other)) return false;
      } else if (level !== other) return false;
    }
  }

  /** Whether some topic that `filter` matches is one of its own. */
  meets(filter: readonly string[], identity: Identity): boolean {
    const levels = this.#levelsOf(identity);
    return levels !== undefined && filtersMeet(levels, filter);
  }

  /** As `meets`, for some identity. */
  couldMeet(filter: readonly string[]): boolean {
    const levels = this.#levels.map((level, index) => (this.#names[index] === undefined ? level : anyLevel));
    return filtersMeet(levels, filter);
  }

  /** Its levels for one device; undefined where an id fits nowhere. */
  #levelsOf(identity: Identity): readonly Level[] | undefined {
    const levels = this.#levels.map((_, index) => this.#textAt(index, identity));
    return levels.every((level) => level !== undefined) ? levels : undefined;
  }

  /** A level as it is for one device; undefined where nothing can fit there. */
  #textAt(index: number, identity: Identity): string | undefined {
    const name = this.#names[index];
    if (name === undefined) return this.#levels[index];
    const value = identity[name];
    return isUsableLevel(value) ? value : undefined;
  }
}

const startsWithDollar = (level: Level | undefined): boolean => level?.startsWith('$') === true;

/** Whether some topic matches both filters. */
function filtersMeet(a: readonly Level[], b: readonly Level[]): boolean {
  for (let i = 0; ; i++) {
    const [level, other] = [a[i], b[i]];
    if (level === anyRest || other === anyRest) return i > 0 || !(startsWithDollar(level) || startsWithDollar(other));
    if (level === undefined || other === undefined) return level === other;
    if (!levelsMeet(level, other, i)) return false;
  }
}

function levelsMeet(a: Level, b: Level, index: number): boolean {
  if (a === anyLevel) return index > 0 || !startsWithDollar(b);
  if (b === anyLevel) return index > 0 || !startsWithDollar(a);
  return a === b;
}

/** A value that could be taken for a wildcard, or for several levels, must never get into a filter. */
const isUsableLevel = (value: string): boolean => value !== '' && !/[/+#\0]/.test(value);

function placeholderOf(level: Level): PlaceholderName | undefined {
  if (!level.startsWith('{')) return undefined;
  return placeholderNames.find((name) => level === `{${name}}`);
}

const known = placeholderNames.map((name) => `{${name}}`).join(', ');

function levelProblem(level: Level, isLast: boolean): string | undefined {
  if (level === anyRest) return isLast ? undefined : '# stands before other levels; it can only be the last one';
  if (level === anyLevel || placeholderOf(level) !== undefined) return undefined;
  if (/[+#]/.test(level)) return `level "${level}" has a wildcard in it; + and # are whole levels`;
  if (/^\{[^{}]*\}$/.test(level)) return `${level} is no placeholder; known are ${known}`;
  if (/[{}]/.test(level)) return `level "${level}" has a brace in it; a placeholder is a whole level, one of ${known}`;
  return undefined;
}
