import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordSchema, RegisteredSchema } from '../core/codec.ts';

export const schemasFileName = 'schemas.json';

/** By the digest of what they belong to. */
type Remembered = Readonly<Record<string, unknown>>;

/**
 * The registry's ids of the schemas that this gateway writes, beside the spool, so that it can start and take records
 * while neither Kafka nor the registry answers. An id means the same schema for ever, so what is remembered stays true
 * as long as registry, subject and schema are the same.
 */
export class RememberedSchemas {
  readonly #path: string;
  readonly #registry: string;

  /** @param registry what tells it from other registries: its address. */
  constructor(directory: string, registry: string) {
    this.#path = join(directory, schemasFileName);
    this.#registry = registry;
  }

  /** @returns by subject, or undefined unless all are known. */
  async recall(schemas: readonly RecordSchema[]): Promise<ReadonlyMap<string, RegisteredSchema> | undefined> {
    const remembered = await this.#read();
    const registered = new Map<string, RegisteredSchema>();
    for (const schema of schemas) {
      const known = remembered[this.#digest(schema)];
      if (!isRegistered(known)) return undefined;
      registered.set(schema.subject, known);
    }
    return registered;
  }

  async remember(schemas: readonly RecordSchema[], ids: ReadonlyMap<string, RegisteredSchema>): Promise<void> {
    const remembered = Object.fromEntries(schemas.map((schema) => [this.#digest(schema), ids.get(schema.subject)]));
    const unfinished = `${this.#path}.new`;
    await writeFile(unfinished, `${JSON.stringify(remembered)}\n`, { mode: 0o600, flush: true });
    await rename(unfinished, this.#path);
  }

  /** A file that is missing or unreadable remembers nothing. */
  async #read(): Promise<Remembered> {
    try {
      const parsed: unknown = JSON.parse(await readFile(this.#path, 'utf8'));
      return typeof parsed === 'object' && parsed !== null ? (parsed as Remembered) : {};
    } catch {
      return {};
    }
  }

  #digest({ subject, definition }: RecordSchema): string {
    return createHash('sha256')
      .update(JSON.stringify([this.#registry, subject, definition]))
      .digest('hex');
  }
}

function isRegistered(value: unknown): value is RegisteredSchema {
  if (typeof value !== 'object' || value === null) return false;
  const { registry, id, uri } = value as Partial<RegisteredSchema>;
  return typeof uri === 'string' && typeof id === (registry === 'confluent' ? 'number' : 'string');
}
