import { type Answer, readAnswer } from './answers.ts';
import { flawOfMqtt } from './mqtt.ts';
import { flawOfBytes, flawOfText } from './text.ts';

const refusals = new Set([100, 400, 403, 404, 417, 426]);
const refusalHeaders = new Set(['connection', 'content-length', 'upgrade', 'date', 'keep-alive', 'transfer-encoding']);
/** What grants an upgrade (RFC 6455, section 4.2.2): nothing is missing, and nothing besides is promised. */
const grant: Readonly<Record<string, RegExp>> = {
  upgrade: /^websocket$/,
  connection: /^Upgrade$/,
  'sec-websocket-accept': /^[A-Za-z0-9+/]{27}=$/,
  'sec-websocket-protocol': /^mqtt$/,
};

const opcodes = { binary: 2, close: 8, ping: 9, pong: 10 } as const;
const sentByServers = new Set<number>(Object.values(opcodes));
const longestControl = 125;

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** What is wrong with all that a peer of a WebSocket listener has received. */
export function flawOfWebSocket(received: Buffer, secrets: readonly string[] = []): string | undefined {
  try {
    for (let at = 0; at < received.length; ) {
      const { answer, next } = readAnswer(received, at);
      const flaw = flawOfAnswer(answer);
      if (flaw !== undefined) return flaw;
      if (answer.status === 101) return flawOfFrames(framesOf(received.subarray(next)), secrets);
      at = next;
    }
    return flawOfBytes(received, secrets);
  } catch (error) {
    return String(error);
  }
}

function flawOfAnswer({ status, headers, body }: Answer): string | undefined {
  if (status === 101) {
    const isWhole = Object.entries(grant).every(([name, form]) => form.test(headers.get(name) ?? ''));
    return isWhole && headers.size === Object.keys(grant).length ? undefined : 'an upgrade that says something else';
  }
  if (!refusals.has(status)) return `answer ${status}`;
  const odd = [...headers.keys()].find((name) => !refusalHeaders.has(name));
  if (odd !== undefined) return `header "${odd}"`;
  return body.length > 0 ? 'a refusal that says more than its status' : undefined;
}

/** Cuts a stream into frames of a server (RFC 6455, section 5.2): unmasked, unfragmented, without extensions. */
function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { from, length } = sizeAt(bytes, at);
    const first = bytes[at] ?? 0;
    const opcode = first & 0x0f;
    if ((first & 0xf0) !== 0x80) throw new Error('a frame with reserved bits, or in fragments');
    if (!sentByServers.has(opcode)) throw new Error(`a frame of type ${opcode}`);
    if (opcode >= opcodes.close && length > longestControl) throw new Error('a control frame that is too long');
    if (from + length > bytes.length) throw new Error('the stream ends in a frame');
    if (frames.at(-1)?.opcode === opcodes.close) throw new Error('a frame behind the last one');
    frames.push({ opcode, payload: bytes.subarray(from, from + length) });
    at = from + length;
  }
  return frames;
}

function sizeAt(bytes: Buffer, at: number): { from: number; length: number } {
  const second = bytes[at + 1];
  if (second === undefined) throw new Error('the stream ends in the header of a frame');
  if (second >= 0x80) throw new Error('a frame that is masked');
  if (second < 126) return { from: at + 2, length: second };
  const from = at + (second === 126 ? 4 : 10);
  if (from > bytes.length) throw new Error('the stream ends in the header of a frame');
  const length = second === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
  if (length < (second === 126 ? 126 : 65_536)) throw new Error('a length that is longer than necessary');
  return { from, length };
}

function flawOfFrames(frames: readonly Frame[], secrets: readonly string[]): string | undefined {
  for (const { opcode, payload } of frames) {
    // A pong holds what its ping held.
    const flaw = opcode === opcodes.close ? flawOfClose(payload, secrets) : flawOfBytes(payload, secrets);
    if (flaw !== undefined) return flaw;
  }
  const carried = frames.filter(({ opcode }) => opcode === opcodes.binary).map(({ payload }) => payload);
  return flawOfMqtt(Buffer.concat(carried), secrets);
}

/** A code that may be sent (section 7.4.1), and no reason but that of the peer, which is sent back (section 5.5.1). */
function flawOfClose(payload: Buffer, secrets: readonly string[]): string | undefined {
  if (payload.length === 0) return undefined;
  if (payload.length === 1) return 'half a code';
  const code = payload.readUInt16BE();
  const mayBeSent = (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || isOfOthers(code);
  if (!mayBeSent) return `code ${code}`;
  return flawOfText(payload.toString('utf8', 2).replaceAll(/\p{Cc}/gu, ' '), secrets);
}

/** Of libraries and programs (section 7.4.2). */
const isOfOthers = (code: number): boolean => code >= 3000 && code <= 4999;
