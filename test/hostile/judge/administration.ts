import type { TSchema } from 'typebox';
import { Check } from 'typebox/value';
import { type ProblemKind, problemKinds, problemType } from '../../../gateway/administration/problem.ts';
import * as schemas from '../../../gateway/administration/schemas.ts';
import { type Answer, readAnswer } from './answers.ts';
import { flawOfText } from './text.ts';

/** Who may not be told what. */
export interface Withheld {
  /** Nobody learns it from a refusal. */
  readonly strangers: readonly string[];
  /** Who has a token does not learn it either; where the gateway's topics and files are, he may look up. */
  readonly holders: readonly string[];
}

const headerNames = new Set([
  ...['connection', 'content-length', 'content-type', 'date', 'keep-alive', 'transfer-encoding'],
  ...['cache-control', 'x-content-type-options', 'www-authenticate', 'retry-after', 'location'],
]);
/** Of Node, before anybody is asked: a request without Host, and an expectation that nobody knows. */
const bareRefusals = new Set([400, 417]);
const problemMembers = new Set(['type', 'title', 'status', 'detail', 'instance', 'errors']);
const partMembers = new Set(['line', 'pointer', 'detail']);
const ownLocation = /^\/v1\/devices\/[A-Za-z0-9._~%-]+$/;

/** What a request that was served may be answered with, by the status that the document says. */
const contents: Readonly<Record<number, readonly TSchema[]>> = {
  200: [
    ...[schemas.devicePage, schemas.device, schemas.changedDevice, schemas.rotatedDevice, schemas.removedDevice],
    ...[schemas.sessionPage, schemas.sessionDetails, schemas.endedSession, schemas.logLevelState],
  ],
  201: [schemas.createdDevice, schemas.importedDevices],
};

type Members = Readonly<Record<string, unknown>>;

/** What is wrong with all that a client of the administration API has received. */
export function flawOfAdministration(received: Buffer, withheld: Withheld): string | undefined {
  try {
    for (let at = 0; at < received.length; ) {
      const { answer, next } = readAnswer(received, at);
      const flaw = flawOfAnswer(answer, withheld);
      if (flaw !== undefined) return `${flaw} in an answer ${answer.status}`;
      at = next;
    }
    return undefined;
  } catch (error) {
    return String(error);
  }
}

function flawOfAnswer(answer: Answer, withheld: Withheld): string | undefined {
  const { status, headers, body } = answer;
  const odd = [...headers.keys()].find((name) => !headerNames.has(name));
  if (odd !== undefined) return `header "${odd}"`;
  const isBare = body.length === 0 && !headers.has('content-type');
  if (status === 100 || (isBare && bareRefusals.has(status))) return undefined;
  if (headers.get('cache-control') !== 'no-store') return 'something for caches';
  if (status >= 400) return flawOfProblem(answer, withheld.strangers);
  return withheld.holders.some((secret) => body.includes(secret)) ? 'a secret' : flawOfContent(answer);
}

function flawOfProblem({ status, headers, body }: Answer, secrets: readonly string[]): string | undefined {
  if (headers.get('content-type') !== problemType) return `type ${headers.get('content-type')}`;
  // To HEAD.
  if (body.length === 0) return undefined;
  const problem = membersOf(body);
  const kind = /^urn:edge-ingest-gateway:problem:([a-z_]+)$/.exec(String(problem.type))?.[1] ?? '';
  const known = Object.hasOwn(problemKinds, kind) ? problemKinds[kind as ProblemKind] : undefined;
  const isDocumented = known?.status === status && problem.status === status && problem.title === known.title;
  if (!isDocumented || status >= 500) return `problem "${kind}"`;
  if (!/^urn:uuid:[0-9a-f-]{36}$/.test(String(problem.instance))) return 'no id';
  return flawOfMembers(problem, problemMembers, secrets) ?? flawOfParts(problem.errors, secrets);
}

function flawOfParts(parts: unknown = [], secrets: readonly string[]): string | undefined {
  if (!Array.isArray(parts)) return 'parts that are no list';
  for (const part of parts as Members[]) {
    const flaw = flawOfMembers(part, partMembers, secrets);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}

function flawOfMembers(members: Members, known: ReadonlySet<string>, secrets: readonly string[]): string | undefined {
  for (const [name, value] of Object.entries(members)) {
    if (!known.has(name)) return `member "${name}"`;
    const flaw = typeof value === 'string' ? flawOfText(value, secrets) : undefined;
    if (flaw !== undefined) return `${flaw} in "${name}": ${String(value)}`;
  }
  return undefined;
}

function flawOfContent({ status, headers, body }: Answer): string | undefined {
  if (headers.get('content-type') !== 'application/json; charset=utf-8') return `type ${headers.get('content-type')}`;
  if (!ownLocation.test(headers.get('location') ?? '/v1/devices/-')) return `location ${headers.get('location')}`;
  const content = membersOf(body);
  // The document, and the settings, which say where things are.
  if (status === 200 && ('openapi' in content || 'listeners' in content)) return undefined;
  if (!(contents[status] ?? []).some((schema) => Check(schema, content))) return 'what the document does not know';
  for (const text of textsOf(content)) {
    const flaw = flawOfText(text, []);
    if (flaw !== undefined) return `${flaw}: ${text}`;
  }
  return undefined;
}

function membersOf(body: Buffer): Members {
  const content: unknown = JSON.parse(body.toString());
  if (typeof content !== 'object' || content === null) throw new Error('a body that is no object');
  return content as Members;
}

function* textsOf(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null) for (const child of Object.values(value)) yield* textsOf(child);
}
