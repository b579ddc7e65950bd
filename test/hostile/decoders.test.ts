import { beforeAll, describe, expect, it } from 'vitest';
import { pipeline, TestPublish, TestSink } from '../gateway/core/fixture.ts';
import { TokenScene } from '../gateway/identity/tokens/support.ts';
import { decode } from '../gateway/mqtt/decode/decode.ts';
import { cases } from './cases.ts';
import { spoiltPacket } from './generators/mqtt.ts';
import { spoiltPayload } from './generators/protobuf.ts';
import { SpoiltTokens } from './generators/tokens.ts';
import { flawOfText } from './judge/text.ts';
import { announceSeed, randomOf } from './seed.ts';

const { inProcess } = cases;
/** Streams of randomness apart from those of what goes over the wire. */
const surfaces = { mqtt: 101, protobuf: 102, tokens: 103 } as const;
/** More say no more. */
const mostFindings = 5;

/** What a peer is told of a detail: what it has sent itself is repeated without its control characters. */
const told = (detail: string): string => detail.replaceAll(/\p{Cc}/gu, ' ');

const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

describe('the decoders, in this process, under spoilt inputs', () => {
  beforeAll(() => announceSeed('decoders'));

  it('of MQTT take a packet or name the violation, and throw nothing', () => {
    const findings: string[] = [];
    for (let index = 0; index < inProcess.mqtt && findings.length < mostFindings; index += 1) {
      const version = index % 2 === 0 ? 4 : 5;
      const bytes = spoiltPacket(version, randomOf(surfaces.mqtt, index));
      try {
        const decoded = decode(bytes, version);
        const flaw = typeof decoded.detail === 'string' ? flawOfText(decoded.detail, []) : undefined;
        if (flaw !== undefined) findings.push(`${index}: ${flaw}: ${String(decoded.detail)}: ${hex(bytes)}`);
      } catch (error) {
        findings.push(`${index}: ${String(error)}: ${hex(bytes)}`);
      }
    }
    expect(findings).toEqual([]);
  });

  it('of Protobuf take a payload or reject it with a reason that says nothing of the gateway', () => {
    const findings: string[] = [];
    let rejected = 0;
    for (let index = 0; index < inProcess.protobuf && findings.length < mostFindings; index += 1) {
      const { kind, payload } = spoiltPayload('veh-7', index, randomOf(surfaces.protobuf, index));
      const publish = new TestPublish({ topic: `v1/vehicles/veh-7/${kind}`, payload });
      const rejection = pipeline.run(publish, new TestSink(16_384));
      if (rejection === undefined) continue;
      rejected += 1;
      const flaw = rejection.reason === 'internal_error' ? 'a defect' : flawOfText(told(rejection.detail), []);
      if (flaw !== undefined) findings.push(`${index}: ${flaw}: ${rejection.detail}: ${kind} ${hex(payload)}`);
    }
    expect(findings).toEqual([]);
    expect(rejected).toBeGreaterThan(inProcess.protobuf / 4);
  });

  it('of tokens never take one for more than what its issuer has signed', async () => {
    using scene = await TokenScene.open();
    const tokens = await SpoiltTokens.prepare(scene.issuer, 'd', randomOf(surfaces.tokens, -1));
    const findings: string[] = [];
    let taken = 0;
    for (let index = 0; index < inProcess.tokens && findings.length < mostFindings; index += 1) {
      const { token, signedFrom } = tokens.make(randomOf(surfaces.tokens, index));
      const result = await scene.connect(token);
      if ('identity' in result) {
        taken += 1;
        const isSigned = token.startsWith(`${signedFrom}.`) && result.identity.deviceId === 'd';
        if (!isSigned) findings.push(`${index}: taken: ${token}`);
      } else if (result.refused !== 'bad_credentials') {
        findings.push(`${index}: ${result.refused}: ${token}`);
      }
    }
    expect(findings).toEqual([]);
    // Those that were left as they are: otherwise nothing that was refused would say anything.
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(inProcess.tokens / 4);
  });
});
