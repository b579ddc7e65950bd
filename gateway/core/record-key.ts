import type { Message } from './codec.ts';
import { RouteError, type RouteSettings } from './route.ts';

type Source = { readonly level: number } | { readonly field: string };

/** Where the key of a route's records comes from; compiled from the setting `key`. */
export class RecordKey {
  /** The payload's fields that it reads. */
  readonly fields: readonly string[];
  readonly #sources: readonly Source[];

  /**
   * @param levelNames the named levels of the route's pattern.
   * @throws {RouteError} when the setting is malformed or names a level that the pattern lacks.
   */
  constructor(settings: RouteSettings, levelNames: readonly string[]) {
    this.#sources = settings.key.split('|').map((source) => parseSource(source, settings, levelNames));
    this.fields = this.#sources.flatMap((source) => ('field' in source ? [source.field] : []));
  }

  /** @returns the first alternative that is present; empty when none is. */
  of(message: Message | undefined, levels: readonly string[]): string {
    for (const source of this.#sources) {
      if ('level' in source) return levels[source.level] as string;
      const value = message?.[source.field];
      if (typeof value === 'string' ? value !== '' : typeof value === 'number') return String(value);
    }
    return '';
  }
}

function parseSource(source: string, settings: RouteSettings, levelNames: readonly string[]): Source {
  const [, from, name] = /^(topic|payload):([A-Za-z][A-Za-z0-9_]*)$/.exec(source) ?? [];
  const problem = (text: string) => new RouteError(`route "${settings.pattern}": key "${settings.key}" ${text}`);
  if (from === undefined || name === undefined) {
    throw problem('is not made of topic:LEVEL and payload:FIELD, separated by |');
  }
  if (from === 'payload') {
    if (settings.format === 'raw') throw problem(`names the field "${name}", but a raw payload has none`);
    return { field: name };
  }
  const level = levelNames.indexOf(name);
  if (level < 0) throw problem(`names the level {${name}}, which the pattern lacks`);
  return { level };
}
