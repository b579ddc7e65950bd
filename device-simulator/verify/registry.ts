import avsc from 'avsc';
import { VerifyError } from './errors.ts';

const timeoutMs = 5_000;
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

  /** Whether the schema of this value has yet to be fetched with `fetch`. */
  missingSchema(value: Buffer): number | undefined {
    const id = schemaId(value);
    return id === undefined || this.#types.has(id) ? undefined : id;
  }

  /**
   * The record in `value`, or undefined when it is not framed Avro of a known schema. Synchronous, because a fleet's
   * records have one or two schemas and there are millions of them.
   */
  decode(value: Buffer): Readonly<Record<string, unknown>> | undefined {
    const id = schemaId(value);
    const type = id === undefined ? undefined : this.#types.get(id);
    if (!type) return undefined;
    const { value: decoded, offset } = type.decode(value, headerBytes);
    // A negative offset: the body ends before the record does.
    return offset < 0 ? undefined : (decoded as Record<string, unknown>);
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

  async #get(id: number): Promise<Response> {
    try {
      return await fetch(`${this.#url}/schemas/ids/${id}`, { signal: AbortSignal.timeout(timeoutMs) });
    } catch (cause) {
      throw new VerifyError('registry_unreachable', `no schema registry answers at ${this.#url}`, { cause });
    }
  }
}

const schemaId = (value: Buffer): number | undefined =>
  value.length < headerBytes || value[0] !== 0 ? undefined : value.readUInt32BE(1);
