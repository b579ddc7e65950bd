import { DecryptionError, isEncrypted, RecordDecrypter } from '../decoder/decrypt-record.ts';
import type { GatewayConfig } from '../gateway/config/schema.ts';
import { KeyRing } from '../gateway/encryption/key-ring.ts';
import { headersOf } from '../gateway/record-batch/header-array.ts';
import type { LogRecord } from '../record-log/record-batch.ts';

/** A record with its value as it was before it was encrypted; or why that cannot be had. */
export interface OpenedRecord {
  readonly record: LogRecord;
  readonly sealed: string | undefined;
}

/** Opens encrypted letters. */
export type OpenLetter = (record: LogRecord, topic: string) => OpenedRecord;

/** The keys of the settings; undefined without any. @throws {KeysError} */
export async function keysOf({ encryption }: GatewayConfig): Promise<KeyRing | undefined> {
  const { keysFile, masterKeysFile } = encryption;
  if (keysFile === '') return undefined;
  const keys = new KeyRing({ keysFile, masterKeysFile });
  await keys.read();
  return keys;
}

/** @param keys without any, encrypted letters stay closed. */
export function letterOpener(keys: KeyRing | undefined): OpenLetter {
  const decrypter = new RecordDecrypter((id) => {
    const key = keys?.byId(id);
    return key && ((salt, info) => key.derive(salt, info));
  });
  return (record, topic) => {
    const { key, value } = record;
    const received = { topic, key, value, headers: headersOf(record.headers) };
    if (!isEncrypted(received)) return { record, sealed: undefined };
    if (keys === undefined)
      return { record, sealed: 'it is encrypted: encryption.keysFile of the settings names the keys' };
    try {
      return { record: { ...record, value: decrypter.decrypt(received) }, sealed: undefined };
    } catch (error) {
      if (!(error instanceof DecryptionError)) throw error;
      return { record, sealed: `${error.code}: ${error.message}` };
    }
  };
}
