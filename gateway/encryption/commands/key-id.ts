import { InvalidArgumentError } from 'commander';
import { maxKeyIdBytes } from '../../core/data-keys.ts';

const pattern = new RegExp(`^[A-Za-z0-9._-]{1,${maxKeyIdBytes}}$`);

/** Parses the id of a key. Throws commander's error otherwise. */
export const keyId = (text: string): string => {
  if (pattern.test(text)) return text;
  throw new InvalidArgumentError(`It must be 1 to ${maxKeyIdBytes} letters, digits, ".", "_" or "-".`);
};
