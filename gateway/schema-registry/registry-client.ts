import type { RecordSchema, RegisteredSchema } from '../core/codec.ts';
import { codeOfStatus, SchemaRegistryError } from './registry-error.ts';

export interface RegistryOptions {
  /** Base address of a Confluent REST API; user and password in it are sent as basic authentication. */
  readonly url: string;
  /** Per request, from its start to the last byte of the answer. */
  readonly timeoutMs: number;
}

export interface Compatibility {
  readonly compatible: boolean;
  /** What the registry has to say about it; may be empty. */
  readonly messages: readonly string[];
}

const mediaType = 'application/vnd.schemaregistry.v1+json';

/**
 * Speaks the Confluent Schema Registry's REST API. Every method throws a `SchemaRegistryError` when there is no good answer,
 * and never retries by itself: whoever starts the gateway decides how long to try.
 */
export class RegistryClient {
  readonly #base: string;
  readonly #timeoutMs: number;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(options: RegistryOptions) {
    const url = new URL(options.url);
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    this.#headers = {
      accept: mediaType,
      ...(credentials === ':' ? {} : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }),
    };
    // Neither fetch nor an error message may see them.
    url.username = '';
    url.password = '';
    this.#base = url.href.replace(/\/+$/, '');
    this.#timeoutMs = options.timeoutMs;
  }

  /** Registers a schema as a version of its subject, unless it is one already. */
  async register(schema: RecordSchema): Promise<RegisteredSchema> {
    return this.#registered(await this.#post(`/subjects/${encodeURIComponent(schema.subject)}/versions`, schema));
  }

  /** A schema that is a version of its subject; `schema_not_found` when it is none. */
  async lookUp(schema: RecordSchema): Promise<RegisteredSchema> {
    return this.#registered(await this.#post(`/subjects/${encodeURIComponent(schema.subject)}`, schema));
  }

  #registered(answer: Answer): RegisteredSchema {
    const id = idIn(answer);
    return { registry: 'confluent', id, uri: `${this.#base}/schemas/ids/${id}` };
  }

  /** @returns the schema with an id, as JSON text. */
  async schemaById(id: number): Promise<string> {
    return schemaIn(await this.#request('GET', `/schemas/ids/${id}`));
  }

  /** @returns the latest version of a subject, as JSON text. */
  async latestSchema(subject: string): Promise<string> {
    return schemaIn(await this.#request('GET', `/subjects/${encodeURIComponent(subject)}/versions/latest`));
  }

  /**
   * Whether a schema could follow the latest version of its subject, under the compatibility level that the registry has
   * for it. A subject without versions takes any schema.
   */
  async checkCompatibility(schema: RecordSchema): Promise<Compatibility> {
    const path = `/compatibility/subjects/${encodeURIComponent(schema.subject)}/versions/latest?verbose=true`;
    try {
      const answer = await this.#post(path, schema);
      if (typeof answer.is_compatible !== 'boolean') throw unexpected('has no is_compatible');
      const messages = Array.isArray(answer.messages) ? answer.messages.map(String) : [];
      return { compatible: answer.is_compatible, messages };
    } catch (error) {
      if (error instanceof SchemaRegistryError && error.code === 'schema_not_found')
        return { compatible: true, messages: [] };
      throw error;
    }
  }

  #post(path: string, schema: RecordSchema): Promise<Answer> {
    return this.#request('POST', path, JSON.stringify({ schemaType: 'AVRO', schema: schema.definition }));
  }

  async #request(method: 'GET' | 'POST', path: string, body?: string): Promise<Answer> {
    const what = `${method} ${this.#base}${path}`;
    const { status, text } = await this.#exchange(method, path, body).catch((error: unknown) => {
      throw new SchemaRegistryError('registry_unreachable', `${what}: ${reasonOf(error, this.#timeoutMs)}`, error);
    });
    const answer = parseAnswer(text);
    if (status >= 400) {
      const words = typeof answer?.message === 'string' ? answer.message : text;
      throw new SchemaRegistryError(codeOfStatus(status), `${what}: ${status} ${words.slice(0, 500)}`);
    }
    if (answer === undefined) throw unexpected(`of ${what} is no JSON object`);
    return answer;
  }

  async #exchange(method: string, path: string, body?: string): Promise<{ status: number; text: string }> {
    const response = await fetch(this.#base + path, {
      method,
      headers: body === undefined ? this.#headers : { ...this.#headers, 'content-type': mediaType },
      signal: AbortSignal.timeout(this.#timeoutMs),
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, text: await response.text() };
  }
}

interface Answer {
  readonly [field: string]: unknown;
}

function parseAnswer(text: string): Answer | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? (answer as Answer) : undefined;
  } catch {
    return undefined;
  }
}

function idIn(answer: Answer): number {
  const { id } = answer;
  // The wire format has four bytes for it.
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < 2 ** 32) return id;
  throw unexpected('has no schema id');
}

function schemaIn(answer: Answer): string {
  if (typeof answer.schema === 'string') return answer.schema;
  throw unexpected('has no schema');
}

function unexpected(problem: string): SchemaRegistryError {
  return new SchemaRegistryError('unexpected_response', `the registry's answer ${problem}`);
}

/** fetch says only "fetch failed"; the reason is its cause. */
function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  // A refused connection to a name with several addresses has an empty message and a code.
  return cause.message || String((cause as NodeJS.ErrnoException).code ?? error.message);
}
