import { setTimeout as delay } from 'node:timers/promises';
import avsc from 'avsc';
import { VerifyError } from './errors.ts';

const timeoutMs = 5_000;
const attempts = 3;
/** Confluent wire format: a zero byte, the schema id (4 bytes, big endian), the Avro body. */
const headerBytes = 5;

/** Decodes Confluent-framed Avro with the schemas that a registry holds; each is fetched once. */
export class RegisteredAvro {
  readonly #url: string;
  readonly #types = new Map<number, avsc.Type | undefined>();

  /** @param url base address of the registry's Confluent API, as in `http://host:8081` or `…/apis/ccompat/v7` */
  constructor(url: string) {
    this.#url = url.replace(/\/+$/, '');
  }

  /** The id of the schema of the value at `start`, when it has yet to be fetched with `fetch`. */
  missingSchema(bytes: Buffer, start: number, end: number): number | undefined {
    const id = schemaId(bytes, start, end);
    return id === undefined || this.#types.has(id) ? undefined : id;
  }

  /**
   * The record in the value from `start` to `end`, or undefined when it is not framed Avro of a known schema.
   * Synchronous, because a fleet's records have one or two schemas and there are millions of them.
   */
  decode(bytes: Buffer, start: number, end: number): Readonly<Record<string, unknown>> | undefined {
    const id = schemaId(bytes, start, end);
    const type = id === undefined ? undefined : this.#types.get(id);
    if (!type) return undefined;
    try {
      const { value, offset } = type.decode(bytes, start + headerBytes);
      // Past the end of the value, or negative past the end of the bytes: the body ends before the record does.
      return offset < 0 || offset > end ? undefined : (value as Record<string, unknown>);
    } catch {
      // What avsc throws for: an enum or union index that the schema does not have, a long beyond 2⁵³.
      return undefined;
    }
  }

  /**
   * Fetches a schema by its id; one that the registry does not have is remembered as unreadable, because a topic may
   * outlive the registry that its oldest records were written with.
   *
   * @throws {VerifyError} when the registry does not answer
   */
  async fetch(id: number): Promise<void> {
    const answer = await this.#get(id);
    if (answer.status === 404) {
      this.#types.set(id, undefined);
      return;
    }
    if (!answer.ok) throw new VerifyError('registry_unreachable', `${this.#url} answers HTTP ${answer.status}`);
    const { schema } = (await answer.json()) as { schema: string };
    this.#types.set(id, avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema, { wrapUnions: false }));
  }

  /** Tried again: a connection that was kept alive may be closed by the other side just when it is used. */
  async #get(id: number): Promise<Response> {
    let failure: unknown;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      try {
        return await fetch(`${this.#url}/schemas/ids/${id}`, { signal: AbortSignal.timeout(timeoutMs) });
      } catch (error) {
        failure = error;
        await delay(attempt * 200);
      }
    }
    throw new VerifyError('registry_unreachable', `no schema registry answers at ${this.#url}`, { cause: failure });
  }
}

const schemaId = (bytes: Buffer, start: number, end: number): number | undefined =>
  end - start < headerBytes || bytes[start] !== 0 ? undefined : bytes.readUInt32BE(start + 1);
