import { Command } from 'commander';
import { CommandFailure } from '../../command/failure.ts';
import { readKeysFile } from '../keys-file.ts';
import { writeKeysFile } from '../write-keys-file.ts';
import { keyId } from './key-id.ts';

/** `keys use ID`: from now on everything is encrypted under this key. */
export const useCommand = (): Command =>
  new Command('use')
    .description('encrypt under this key from now on; gateways that watch the file take it over within seconds')
    .argument('<id>', 'one of the file', keyId)
    .requiredOption('--file <file>', 'of keys')
    .allowExcessArguments(false)
    .action((id: string, { file }: { readonly file: string }) => {
      const { keys } = readKeysFile(file);
      if (!keys.some((key) => key.id === id))
        throw new CommandFailure(`${file} has no key "${id}": keys add makes one`);
      writeKeysFile(file, { current: id, keys });
      console.log(JSON.stringify({ file, current: id, keys: keys.length }));
    });
