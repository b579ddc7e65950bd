import { readFileSync } from 'node:fs';
import { KafkaAccessError } from './access-failure.ts';

/** Nobody's certificates, keys or tokens are larger. */
const mostBytes = 1_048_576;

/**
 * Reads a file of credentials. At once and anew for each connection, so that what somebody has put in its place is used
 * from the next one on; connections to brokers are few, and such files small.
 *
 * @param setting for the message.
 * @throws {KafkaAccessError} `credentials_unreadable`; its message has the path, never what is in the file.
 */
export function readCredentials(setting: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw unusable(setting, `${path} cannot be read (${reason})`);
  }
  if (text.length > mostBytes) throw unusable(setting, `${path} is larger than ${mostBytes} bytes`);
  if (text.trim() === '') throw unusable(setting, `${path} is empty`);
  return text;
}

/** A secret from its file, without the line break that editors add; or the one that the settings hold. */
export function secretOf(setting: string, value: string, path: string): string {
  return path === '' ? value : readCredentials(`${setting}File`, path).replace(/\r?\n$/, '');
}

export const unusable = (setting: string, reason: string): KafkaAccessError =>
  new KafkaAccessError('credentials_unreadable', `${setting}: ${reason}`);
