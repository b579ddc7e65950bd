import { RouteError } from './route.ts';

type Level = { readonly literal: string } | { readonly name: string };

const levelName = /^\{([A-Za-z][A-Za-z0-9_]*)\}$/;

/** An MQTT topic with named levels, `v1/vehicles/{vehicleId}/telemetry`. A named level matches any text but the empty one. */
export class TopicPattern {
  readonly text: string;
  /** Names of the named levels, in their order. */
  readonly names: readonly string[];
  readonly #levels: readonly Level[];
  /** What stands before, between and behind the named levels, slashes included: one text more than there are names. */
  readonly #literals: readonly string[];

  /** @throws {RouteError} when `text` is no pattern. */
  constructor(text: string) {
    this.text = text;
    this.#levels = text.split('/').map((level) => parseLevel(level, text));
    this.#literals = text.split(/\{\w+\}/);
    this.names = this.#levels.flatMap((level) => ('name' in level ? [level.name] : []));
    const repeated = this.names.find((name, index) => this.names.indexOf(name) !== index);
    if (repeated !== undefined) throw new RouteError(`route "${text}": level {${repeated}} occurs twice`);
  }

  /** The values of the named levels, in the order of `names`; undefined when `topic` does not match. */
  match(topic: string): string[] | undefined {
    const literals = this.#literals;
    const prefix = literals[0] as string;
    if (!topic.startsWith(prefix)) return undefined;
    const values: string[] = [];
    let at = prefix.length;
    for (let i = 1; i < literals.length; i++) {
      const slash = topic.indexOf('/', at);
      const end = slash < 0 ? topic.length : slash;
      const literal = literals[i] as string;
      if (end === at || !topic.startsWith(literal, end)) return undefined;
      values.push(topic.slice(at, end));
      at = end + literal.length;
    }
    return at === topic.length ? values : undefined;
  }

  /** Whether some topic matches both patterns. */
  overlaps(other: TopicPattern): boolean {
    if (this.#levels.length !== other.#levels.length) return false;
    return this.#levels.every((level, index) => levelsMeet(level, other.#levels[index] as Level));
  }
}

function parseLevel(level: string, pattern: string): Level {
  const name = levelName.exec(level)?.[1];
  if (name !== undefined) return { name };
  // MQTT 5.0, section 4.7.3: at least one character, no NUL; 4.7.1: wildcards are for filters only.
  if (pattern === '' || /[{}+#\0]/.test(level)) {
    throw new RouteError(`route "${pattern}": level "${level}" is neither literal text nor a {name}`);
  }
  return { literal: level };
}

function levelsMeet(a: Level, b: Level): boolean {
  if ('literal' in a && 'literal' in b) return a.literal === b.literal;
  if ('literal' in a) return a.literal !== '';
  if ('literal' in b) return b.literal !== '';
  return true;
}
