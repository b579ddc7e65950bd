import { RecordKey } from './record-key.ts';
import { RouteError, type RouteSettings } from './route.ts';
import { TopicPattern } from './topic-pattern.ts';

/** A route whose settings have been checked and taken apart. */
export interface Route {
  readonly settings: RouteSettings;
  /** Position in the table. */
  readonly index: number;
  readonly pattern: TopicPattern;
  /** Position of the subject among the pattern's named levels. */
  readonly subjectLevel: number;
  readonly key: RecordKey;
}

export interface RouteMatch {
  readonly route: Route;
  /** Values of the pattern's named levels. */
  readonly levels: readonly string[];
}

/** All routes of a gateway. No topic matches more than one of them, so their order means nothing. */
export class RouteTable {
  readonly routes: readonly Route[];

  /** @throws {RouteError} naming the route and the setting that contradicts another. */
  constructor(settings: readonly RouteSettings[]) {
    this.routes = settings.map(compileRoute);
    for (const [index, route] of this.routes.entries()) {
      const other = this.routes.slice(index + 1).find((later) => later.pattern.overlaps(route.pattern));
      if (other === undefined) continue;
      throw new RouteError(
        `routes "${route.pattern.text}" and "${other.pattern.text}" overlap: a topic would match both`,
      );
    }
  }

  /** Not cached by topic here, as the prefix check costs less than a hash; connections remember their last one (`Recall`). */
  match(topic: string): RouteMatch | undefined {
    for (const route of this.routes) {
      const levels = route.pattern.match(topic);
      if (levels !== undefined) return { route, levels };
    }
    return undefined;
  }
}

function compileRoute(settings: RouteSettings, index: number): Route {
  const pattern = new TopicPattern(settings.pattern);
  const subjectLevel = pattern.names.indexOf(settings.subject);
  const problem = (text: string) => new RouteError(`route "${settings.pattern}": ${text}`);
  if (subjectLevel < 0) throw problem(`subject names the level {${settings.subject}}, which the pattern lacks`);
  if (settings.format === 'protobuf') {
    if (settings.message === undefined) throw problem('format protobuf needs the setting message');
    if (settings.schema === undefined && settings.valueFormat !== 'protobuf') {
      throw problem('format protobuf needs the setting schema, unless its valueFormat is protobuf');
    }
    if (settings.valueFormat === 'protobuf' && settings.contentMode === 'structured') {
      throw problem('contentMode structured writes JSON, so valueFormat protobuf has no meaning with it');
    }
  } else {
    const stray = (['message', 'items', 'schema', 'valueFormat'] as const).find((name) => settings[name] !== undefined);
    if (stray !== undefined) throw problem(`setting ${stray} has no meaning for format raw`);
  }
  return { settings, index, pattern, subjectLevel, key: new RecordKey(settings, pattern.names) };
}
