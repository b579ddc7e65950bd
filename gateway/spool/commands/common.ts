import type { Command } from 'commander';
import { CommandFailure } from '../../command/failure.ts';
import { describeConfigError } from '../../config/errors.ts';
import { nodeFiles } from '../file-layer.ts';
import { SpoolSealing } from '../frame-sealing.ts';
import { type SegmentVisitor, type Survey, surveySpool } from '../survey.ts';

export interface SpoolChoice {
  readonly directory?: string;
  readonly config?: string;
  readonly keys?: string;
  readonly masterKeys?: string;
}

/** Adds the options that say which spool a command reads. */
export const withSpool = (command: Command): Command =>
  command
    .option('--directory <directory>', 'of the spool (default: spool.directory of the configuration)')
    .option('--config <file>', "the gateway's YAML file, for spool.directory and the keys of encryption")
    .option('--keys <file>', 'of an encrypted spool (default: encryption.keysFile of the configuration)')
    .option('--master-keys <file>', 'that wrap them (default: encryption.masterKeysFile of the configuration)')
    .allowExcessArguments(false);

/** Reads the chosen spool, segment by segment. */
export async function readSpool(
  choice: SpoolChoice,
  visit: SegmentVisitor,
): Promise<Survey & { readonly directory: string }> {
  const { directory, ...keyFiles } = await chosen(choice);
  const sealing = await sealingOf(keyFiles);
  try {
    return { ...(await surveySpool(nodeFiles, directory, visit, sealing)), directory };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const problem = code === 'ENOENT' ? 'there is no such directory; --directory names another' : message;
    throw new CommandFailure(`spool ${directory}: ${problem}`);
  }
}

interface Chosen {
  readonly directory: string;
  readonly keysFile?: string | undefined;
  readonly masterKeysFile?: string | undefined;
}

async function chosen({ directory, config: file, keys, masterKeys }: SpoolChoice): Promise<Chosen> {
  const given = { keysFile: keys, masterKeysFile: masterKeys };
  if (directory !== undefined && file === undefined) return { directory, ...given };
  // The schema of the settings takes most of a start; a command that is told everything needs none of it.
  const { loadConfig } = await import('../../config/load.ts');
  const result = loadConfig({ file });
  if (!result.ok) throw new CommandFailure(result.errors.map(describeConfigError).join('\n'), 2);
  const { spool, encryption } = result.config;
  if (keys !== undefined) return { directory: directory ?? spool.directory, ...given };
  const { keysFile, masterKeysFile } = encryption;
  return { directory: directory ?? spool.directory, keysFile, masterKeysFile };
}

/** Undefined: what is encrypted stays closed. @throws {KeysError} */
async function sealingOf({ keysFile, masterKeysFile }: Omit<Chosen, 'directory'>): Promise<SpoolSealing | undefined> {
  if (!keysFile) return undefined;
  const { KeyRing } = await import('../../encryption/key-ring.ts');
  const keys = new KeyRing({ keysFile, masterKeysFile });
  await keys.read();
  return new SpoolSealing(keys, false);
}

/** Says what was passed over for want of a key, or because it is not what was written there. */
export function sayUnopened(batches: number): void {
  if (batches > 0) console.error(`${batches} batches are encrypted and could not be opened; --keys names their keys`);
}

/** Says what is behind the last good frame. It need not be a fault: the gateway may just be writing there. */
export function sayTorn({ torn }: Survey): void {
  if (torn === undefined) return;
  console.error(
    `${torn.tornBytes} bytes behind the last batch: a write cut short, or under way; nobody was told it is durable`,
  );
}

const progressEveryMs = 1000;

/** A line now and then, on standard error; none for what ends at once. */
export function progress(): (segments: number, records: number) => void {
  let nextAt = Date.now() + progressEveryMs;
  return (segments, records) => {
    const now = Date.now();
    if (now < nextAt) return;
    nextAt = now + progressEveryMs;
    console.error(`${segments} segments read, ${records} records`);
  };
}

export const timeOf = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());
