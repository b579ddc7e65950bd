import { describe, expect, it } from 'vitest';
import type { GatewayConfig } from '../../gateway/config/schema.ts';
import { describeStartFailure } from '../../gateway/start-failure.ts';

const config = {
  admin: { host: '127.0.0.1', port: 9464 },
  administration: { enabled: true, host: '127.0.0.1', port: 9465 },
  listeners: [
    { name: 'a', host: '127.0.0.1', port: 1883, auth: 'registry' },
    { name: 'b', host: 'edge.invalid', port: 1884, auth: 'registry' },
  ],
} as unknown as GatewayConfig;

const systemError = (fields: object) => Object.assign(new Error('listen failed'), { syscall: 'listen', ...fields });

describe('why the gateway could not start', () => {
  it('names the setting whose port is taken, and what to do', () => {
    expect(describeStartFailure(systemError({ code: 'EADDRINUSE', port: 9464 }), config)).toBe(
      'admin: cannot listen on 127.0.0.1:9464 (EADDRINUSE): another process listens there; end it, or choose another port',
    );
    expect(describeStartFailure(systemError({ code: 'EADDRINUSE', port: 9465 }), config)).toMatch(/^administration: /);
    expect(describeStartFailure(systemError({ code: 'EACCES', port: 1883 }), config)).toMatch(
      /^listeners\[0\]: .*127\.0\.0\.1:1883/,
    );
  });

  it('names the setting whose host has no address', () => {
    const error = systemError({ code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'edge.invalid' });
    expect(describeStartFailure(error, config)).toMatch(/^listeners\[1\]: .*no address/);
  });

  it('takes the words of any other error', () => {
    expect(describeStartFailure(new Error('topic "x" is missing'), config)).toBe(
      'could not start: topic "x" is missing',
    );
    expect(describeStartFailure('odd', config)).toBe('could not start: odd');
  });
});
