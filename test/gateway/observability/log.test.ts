import { describe, expect, it } from 'vitest';
import { errorFields, Log } from '../../../gateway/observability/log.ts';
import { Captured } from './captured.ts';

const facts = { listener: 'l', remoteAddress: '127.0.0.1', version: 5, clientId: 'c', deviceId: '' } as const;

describe('the log', () => {
  it('writes JSON with level, time and the stable name of the event', () => {
    const captured = new Captured();
    captured.observability.lifecycle.ready({ devices: 1883 }, 12);
    expect(captured.lines).toMatchObject([
      {
        level: 'info',
        event: 'gateway_ready',
        listeners: { devices: 1883 },
        time: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    ]);
  });

  it('bounds what strangers can make it write, and says how much it left out', async () => {
    const captured = new Captured();
    const violate = () => captured.observability.mqtt.protocolViolation(facts, 'malformedPacket', 'x');
    for (let i = 0; i < 1000; i++) violate();
    expect(captured.lines).toHaveLength(20);
    captured.observability.mqtt.connectRefused(facts, 'notAuthorized', 'x');
    expect(captured.lines).toHaveLength(21);

    captured.monotonicMs += 10_000;
    violate();
    expect(captured.lines.at(-1)).toMatchObject({ event: 'mqtt_protocol_violation', suppressed: 980 });
    violate();
    expect(captured.lines.at(-1)).not.toHaveProperty('suppressed');

    const metrics = await captured.metrics();
    expect(metrics.get('edge_mqtt_violations_total{reason="malformedPacket"}')).toBe(1002);
    expect(metrics.get('edge_log_lines_dropped_total')).toBe(980);
  });

  it('neither writes nor counts as dropped what its level leaves out', async () => {
    const captured = new Captured('info');
    for (let i = 0; i < 100; i++) captured.observability.mqtt.connectionOpened({ ...facts, deviceId: 'd' }, false);
    expect(captured.lines).toEqual([]);
    expect(await captured.total('edge_log_lines_dropped_total')).toBe(0);
  });

  it('escapes what ends a line, or writes over one, for some reader of it, and says the same', () => {
    const written: string[] = [];
    const log = new Log({ level: 'info', stream: { write: (line) => void written.push(line) } });
    const strange = 'a\n\r\u0085\u2028\u2029\u001b[2K\u009b2K\u007f\u202e\u2066{"event":"forged"}';
    log.write('info', 'strange', 'text', { strange });
    const [line = ''] = written;
    // Nothing but printable characters, and the one end of the line.
    expect(line).toMatch(/^[\x20-\x7e]+\n$/);
    expect(JSON.parse(line)).toMatchObject({ event: 'strange', strange });
  });

  it('says of an error its kind, code, text and stack', () => {
    const error = Object.assign(new TypeError('broken'), { code: 'E_BROKEN', payload: 'private' });
    expect(errorFields(error)).toMatchObject({ error: { name: 'TypeError', code: 'E_BROKEN', message: 'broken' } });
    expect(JSON.stringify(errorFields(error))).not.toContain('private');
    expect(errorFields('text')).toEqual({ error: { message: 'text' } });
  });
});
