import type { RecordSchema, RegisteredSchema } from '../core/codec.ts';
import { type CompatibilityMode, compatibilityModes } from './compatibility.ts';
import type { SchemaRegistry, SchemaVersion } from './registry.ts';
import { codeOfStatus, SchemaRegistryError, type SchemaRegistryErrorCode } from './registry-error.ts';

export interface RegistryOptions {
  /** Base address of a Confluent REST API; user and password in it are sent as basic authentication. */
  readonly url: string;
  /** Per request, from its start to the last byte of the answer. */
  readonly timeoutMs: number;
}

const mediaType = 'application/vnd.schemaregistry.v1+json';

/** Speaks the Confluent Schema Registry's REST API. */
export class RegistryClient implements SchemaRegistry {
  readonly #base: string;
  readonly #timeoutMs: number;
  readonly #headers: Readonly<Record<string, string>>;
  /** What an answer may echo, such as the page of a proxy that shows the request, and no message may repeat. */
  readonly #secrets: readonly string[];

  constructor(options: RegistryOptions) {
    const url = new URL(options.url);
    const password = decodeURIComponent(url.password);
    const credentials = `${decodeURIComponent(url.username)}:${password}`;
    const encoded = credentials === ':' ? '' : Buffer.from(credentials).toString('base64');
    this.#headers = { accept: mediaType, ...(encoded === '' ? {} : { authorization: `Basic ${encoded}` }) };
    this.#secrets = [encoded, password, url.password].filter((secret) => secret !== '');
    // Neither fetch nor an error message may see them; and paths go behind the address, not behind a query.
    url.username = '';
    url.password = '';
    url.search = '';
    url.hash = '';
    this.#base = url.href.replace(/\/+$/, '');
    this.#timeoutMs = options.timeoutMs;
  }

  get name(): string {
    return this.#base;
  }

  async register(schema: RecordSchema): Promise<RegisteredSchema> {
    return this.#registered(await this.#post(`${subjectPath(schema.subject)}/versions`, schema));
  }

  async lookUp(schema: RecordSchema): Promise<RegisteredSchema | undefined> {
    const answer = await this.#post(subjectPath(schema.subject), schema).catch(absentAsUndefined);
    return answer && this.#registered(answer);
  }

  #registered(answer: Answer): RegisteredSchema {
    const id = idIn(answer);
    return { registry: 'confluent', id, uri: `${this.#base}/schemas/ids/${id}` };
  }

  /** @returns the schema with an id, as text. */
  async schemaById(id: number): Promise<string> {
    return schemaIn(await this.#request('GET', `/schemas/ids/${id}`));
  }

  async versions(subject: string, which: 'latest' | 'all'): Promise<readonly SchemaVersion[]> {
    if (which === 'latest') {
      const latest = await this.#request('GET', `${subjectPath(subject)}/versions/latest`).catch(absentAsUndefined);
      return latest === undefined ? [] : [versionIn(latest)];
    }
    const numbers = await this.#request('GET', `${subjectPath(subject)}/versions`).catch(absentAsUndefined);
    const versions: SchemaVersion[] = [];
    for (const number of Array.isArray(numbers) ? numbers : []) {
      versions.push(versionIn(await this.#request('GET', `${subjectPath(subject)}/versions/${String(number)}`)));
    }
    return versions;
  }

  async objections(schema: RecordSchema): Promise<readonly string[]> {
    const path = `/compatibility${subjectPath(schema.subject)}/versions/latest?verbose=true`;
    try {
      const answer = await this.#post(path, schema);
      if (typeof answer.is_compatible !== 'boolean') throw unexpected('has no is_compatible');
      if (answer.is_compatible) return [];
      const words = Array.isArray(answer.messages) ? answer.messages.map(String) : [];
      return words.length > 0 ? words : ['it is not compatible'];
    } catch (error) {
      if (isRegistryError(error, 'schema_not_found')) return [];
      if (isRegistryError(error, 'schema_invalid')) return [error.message];
      throw error;
    }
  }

  async mode(subject: string): Promise<CompatibilityMode | undefined> {
    const answer = await this.#request('GET', `/config/${encodeURIComponent(subject)}`).catch(absentAsUndefined);
    return compatibilityModes.find((mode) => mode === answer?.compatibilityLevel);
  }

  async setMode(subject: string, mode: CompatibilityMode): Promise<void> {
    await this.#request('PUT', `/config/${encodeURIComponent(subject)}`, JSON.stringify({ compatibility: mode }));
  }

  async #post(path: string, schema: RecordSchema): Promise<Answer> {
    const { type, definition, references = [] } = schema;
    const found: object[] = [];
    for (const reference of references) found.push(await this.#reference(reference));
    const body = { schemaType: type, schema: definition, ...(found.length === 0 ? {} : { references: found }) };
    return this.#request('POST', path, JSON.stringify(body));
  }

  /** A registry wants the version of each import; its name is what the file calls it. */
  async #reference(schema: RecordSchema): Promise<object> {
    const { version } = await this.#post(subjectPath(schema.subject), schema);
    return { name: schema.subject, subject: schema.subject, version };
  }

  async #request(method: 'GET' | 'POST' | 'PUT', path: string, body?: string): Promise<Answer> {
    const what = `${method} ${this.#base}${path}`;
    const { status, text } = await this.#exchange(method, path, body).catch((error: unknown) => {
      throw new SchemaRegistryError('registry_unreachable', `${what}: ${reasonOf(error, this.#timeoutMs)}`, error);
    });
    const answer = parseAnswer(text);
    if (status >= 400) {
      const words = typeof answer?.message === 'string' ? answer.message : text;
      throw new SchemaRegistryError(codeOfStatus(status), `${what}: ${status} ${this.#masked(words).slice(0, 500)}`);
    }
    if (answer === undefined) throw unexpected(`of ${what} is no JSON object`);
    return answer;
  }

  #masked(words: string): string {
    return this.#secrets.reduce((text, secret) => text.replaceAll(secret, '***'), words);
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

function versionIn(answer: Answer): SchemaVersion {
  const { version, schemaType } = answer;
  if (typeof version !== 'number') throw unexpected('has no version');
  // Absent for Avro, which was the only type once.
  return { version, type: schemaType === 'PROTOBUF' ? 'PROTOBUF' : 'AVRO', definition: schemaIn(answer) };
}

const subjectPath = (subject: string): string => `/subjects/${encodeURIComponent(subject)}`;

function isRegistryError(error: unknown, code: SchemaRegistryErrorCode): error is SchemaRegistryError {
  return error instanceof SchemaRegistryError && error.code === code;
}

function absentAsUndefined(error: unknown): undefined {
  if (isRegistryError(error, 'schema_not_found')) return undefined;
  throw error;
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
