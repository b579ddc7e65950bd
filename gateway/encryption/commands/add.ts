import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { CommandFailure } from '../../command/failure.ts';
import { localWrapper } from '../key-ring.ts';
import { type FiledKey, readKeysFile } from '../keys-file.ts';
import { keyBytes } from '../secret-key.ts';
import { writeKeysFile } from '../write-keys-file.ts';
import { keyId } from './key-id.ts';

interface AddOptions {
  readonly file: string;
  readonly masterKeys?: string;
  readonly masterKey?: string;
}

/** `keys add ID`: a new key, which nothing is encrypted under yet. */
export const addCommand = (): Command =>
  new Command('add')
    .description('make a key; the first one of a file is in use at once, others after keys use')
    .argument('<id>', 'names the key for ever', keyId)
    .requiredOption('--file <file>', 'of keys; made when missing, readable by its owner only')
    .option('--master-keys <file>', 'wrap the key with one of these (its current one, or --master-key)')
    .option('--master-key <id>', 'which one of them', keyId)
    .allowExcessArguments(false)
    .action(add);

async function add(id: string, options: AddOptions): Promise<void> {
  const { file } = options;
  const known = existsSync(file) ? readKeysFile(file) : { current: id, keys: [] };
  if (known.keys.some((key) => key.id === id)) throw new CommandFailure(`${file} has a key "${id}": choose another id`);
  const keys = [...known.keys, await newKey(id, options)];
  writeKeysFile(file, { current: known.current, keys });
  console.log(JSON.stringify({ file, added: id, current: known.current, keys: keys.length }));
}

async function newKey(id: string, { masterKeys, masterKey }: AddOptions): Promise<FiledKey> {
  const key = randomBytes(keyBytes);
  if (masterKeys === undefined) {
    if (masterKey !== undefined) throw new CommandFailure('--master-key is one of the file --master-keys', 2);
    return { id, key };
  }
  const masterKeyId = masterKey ?? readKeysFile(masterKeys).current;
  const wrapped = await localWrapper(masterKeys).wrap(key, id, masterKeyId);
  return { id, wrapped, masterKeyId };
}
