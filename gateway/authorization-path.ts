import type { ReadableSettings } from './alert-path.ts';
import { readRules } from './config/authorization-rules.ts';
import { describeConfigError } from './config/errors.ts';
import type { GatewayConfig } from './config/schema.ts';
import { Access, type AccessObserver } from './core/access.ts';
import type { RulesObserver } from './core/authorization/observer.ts';
import type { AuthorizationRule } from './core/authorization/rule.ts';
import { RuleSet } from './core/authorization/rule-set.ts';
import type { Identity } from './core/identity.ts';
import { RouteTable } from './core/route-table.ts';
import { FileWatch } from './files/file-watch.ts';

/** Takes subscriptions away that may not stay; returns how many. */
type EndSubscriptions = (mayStay: (identity: Identity, filter: string) => boolean) => number;

type Authorization = GatewayConfig['authorization'];

/** The rules of authorization, which are exchanged while the gateway runs. */
export class AuthorizationPath {
  readonly access: Access;
  readonly #routes: GatewayConfig['routes'];
  readonly #observer: RulesObserver;
  readonly #settings: ReadableSettings | undefined;
  readonly #watch: FileWatch;
  #authorization: Authorization;
  #rules: readonly AuthorizationRule[];
  #endSubscriptions: EndSubscriptions | undefined;

  /**
   * @param settings where the configuration came from, for rules that stand in it; without it these stay as they are.
   * @throws {RangeError} naming everything that is wrong with the rules.
   */
  constructor(
    { authorization, routes }: Pick<GatewayConfig, 'authorization' | 'routes'>,
    observer: RulesObserver & AccessObserver,
    settings?: ReadableSettings,
  ) {
    const result = readRules(authorization, routes);
    if (result.problems !== undefined) throw new RangeError(result.problems);
    this.#authorization = authorization;
    this.#routes = routes;
    this.#observer = observer;
    this.#settings = settings;
    this.#rules = result.rules;
    this.access = new Access(new RouteTable(routes), new RuleSet(result.rules), observer);
    this.#watch = new FileWatch(
      () => this.#files(),
      (paths) => {
        for (const path of paths) this.#changed(path);
      },
    );
    observer.rulesLoaded('start', sourceOf(authorization), result.rules.length, 0);
  }

  /** Whether there are rules other than the default ones. */
  get isOwn(): boolean {
    return sourceOf(this.#authorization) !== 'default';
  }

  /** From now on a change of a file is taken. */
  async open(): Promise<void> {
    const { watchSeconds } = this.#authorization;
    if (watchSeconds === 0 || this.#files().length === 0) return;
    await this.#watch.start(watchSeconds * 1000);
    // It may have changed since it was read.
    for (const path of this.#files()) this.#changed(path);
  }

  /** There are sessions by now. */
  serve(endSubscriptions: EndSubscriptions): void {
    this.#endSubscriptions = endSubscriptions;
  }

  /**
   * Takes the rules as they are now, if all of them are right; else those before stay. They hold for each publish, subscribe
   * and will from then on; subscriptions that they do not allow are taken away.
   *
   * @param cause for the log: a signal, or the file that changed.
   */
  reload(cause: string): void {
    const authorization = this.#settingsOfNow();
    if (typeof authorization === 'string') {
      this.#observer.rulesRefused(cause, authorization);
      return;
    }
    this.#take(authorization, cause);
  }

  close(): void {
    this.#watch.stop();
  }

  /** A file of rules counts by itself: nothing else that is wrong with the settings keeps it from being taken. */
  #changed(path: string): void {
    if (path === this.#authorization.rulesFile) this.#take(this.#authorization, path);
    else this.reload(path);
  }

  #take(authorization: Authorization, cause: string): void {
    const result = readRules(authorization, this.#routes);
    if (result.problems !== undefined) {
      this.#observer.rulesRefused(cause, result.problems);
      return;
    }
    this.#authorization = authorization;
    // The same rules in a new set would have every connection judged anew.
    if (isSame(result.rules, this.#rules)) return;
    this.#rules = result.rules;
    this.access.use(new RuleSet(result.rules));
    const ended = this.#endSubscriptions?.((identity, filter) => this.access.mayStaySubscribed(identity, filter)) ?? 0;
    this.#observer.rulesLoaded(cause, sourceOf(authorization), result.rules.length, ended);
  }

  /** The section of the settings, or why they can't be used. */
  #settingsOfNow(): Authorization | string {
    if (this.#settings?.file === undefined) return this.#authorization;
    const result = this.#settings.read();
    return result.ok ? result.config.authorization : result.errors.map(describeConfigError).join('\n');
  }

  #files(): readonly string[] {
    const { rules, rulesFile } = this.#authorization;
    if (rulesFile !== '') return [rulesFile];
    const file = this.#settings?.file;
    return rules === undefined || file === undefined ? [] : [file];
  }
}

const isSame = (a: readonly AuthorizationRule[], b: readonly AuthorizationRule[]): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

function sourceOf({ rules, rulesFile }: Authorization): string {
  if (rulesFile !== '') return rulesFile;
  return rules === undefined ? 'default' : 'settings';
}
