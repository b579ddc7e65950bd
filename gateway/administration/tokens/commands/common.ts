import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { CommandFailure } from '../../../command/failure.ts';
import { describeConfigError } from '../../../config/errors.ts';
import { TokenStore } from '../token-store.ts';

export interface StoreChoice {
  readonly tokens?: string;
  readonly config?: string;
}

const busyTimeoutMs = 10_000;

/** Adds the options that say which tokens a command works on. */
export const withStore = (command: Command): Command =>
  command
    .option('--tokens <file>', 'SQLite file of the tokens (default: administration.tokensPath of the configuration)')
    .option('--config <file>', "the gateway's YAML file, for administration.tokensPath")
    .allowExcessArguments(false);

/**
 * Runs `work` on the chosen tokens and closes them.
 *
 * @param ifMissing `refuse`: a file that is not there holds no tokens; the path is probably a mistake.
 */
export async function useStore<Result>(
  choice: StoreChoice,
  ifMissing: 'make' | 'refuse',
  work: (store: TokenStore) => Result,
): Promise<Result> {
  const path = await tokensPath(choice);
  if (ifMissing === 'refuse' && !existsSync(path)) {
    throw new CommandFailure(`tokens ${path}: no such file; create makes one, --tokens names another`);
  }
  const store = TokenStore.open(path, { busyTimeoutMs });
  try {
    return work(store);
  } finally {
    store.close();
  }
}

async function tokensPath({ tokens, config: file }: StoreChoice): Promise<string> {
  if (tokens !== undefined) return tokens;
  const { loadConfig } = await import('../../../config/load.ts');
  const result = loadConfig({ file });
  if (!result.ok) throw new CommandFailure(result.errors.map(describeConfigError).join('\n'), 2);
  return result.config.administration.tokensPath;
}
