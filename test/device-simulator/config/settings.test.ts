import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../../device-simulator/config/settings.ts';

function parse(line: string) {
  let out = '';
  let err = '';
  const argv = line.split(' ').filter((word) => word !== '');
  const command = parseCommandLine(
    argv,
    (text) => {
      out += text;
    },
    (text) => {
      err += text;
    },
  );
  return { command, out, err };
}

describe('the command line of the simulator', () => {
  it('has defaults for everything but the credentials', () => {
    const { command } = parse('--anonymous');
    expect(command).toMatchObject({
      kind: 'simulate',
      settings: {
        addresses: [{ host: '127.0.0.1', port: 1883 }],
        version: 5,
        vehicles: 200,
        rate: 1,
        seconds: 60,
        verify: undefined,
      },
    });
  });

  it('takes all its options', () => {
    const { command } = parse(
      '--mqtt [::1]:1884 --mqtt-version 4 --vehicles 10 --bays 0 --rate 2.5 --bay-rate 1 --seconds 7 --ramp-seconds 3 ' +
        '--seed 9 --secret-seed x --window 8 --backlog 9 --keep-alive 30 --drain-seconds 5 ' +
        '--verify --kafka a:1,b:2 --registry http://r:8081/apis/ccompat/v7 --topic t1,t2',
    );
    expect(command).toEqual({
      kind: 'simulate',
      settings: {
        addresses: [{ host: '::1', port: 1884 }],
        followsAnyServer: false,
        version: 4,
        vehicles: 10,
        bays: 0,
        rate: 2.5,
        bayRate: 1,
        seconds: 7,
        rampSeconds: 3,
        seed: 9,
        secrets: { kind: 'seed', seed: 'x' },
        window: 8,
        backlog: 9,
        keepAliveSeconds: 30,
        drainSeconds: 5,
        verify: { kafka: ['a:1', 'b:2'], registryUrl: 'http://r:8081/apis/ccompat/v7', topics: ['t1', 't2'] },
      },
    });
  });

  it('takes several gateways, and a fleet that speaks both versions', () => {
    const { command } = parse('--anonymous --mqtt gw-1:1883,[::1]:1884 --follow-any-server --mqtt-version mixed');
    expect(command).toMatchObject({
      settings: {
        addresses: [
          { host: 'gw-1', port: 1883 },
          { host: '::1', port: 1884 },
        ],
        followsAnyServer: true,
        version: 'mixed',
      },
    });
  });

  it('shows its help', () => {
    const { command, out } = parse('--help');
    expect(command).toEqual({ kind: 'exit', code: 0 });
    expect(out).toContain('--secret-seed');
    const unwrapped = out.replace(/\s+/g, ' ');
    expect(unwrapped).toContain('(default: 127.0.0.1:1883)');
    expect(unwrapped).toContain('(default: veh.events.raw)');
    expect(unwrapped).toContain('and end; needs --secret-seed');
    expect(out).toContain('Exit codes: 0 good; 1 bad verdict, or it could not be run; 2 unusable arguments.');
    expect(out).toContain('A run that could not be measured prints no line of JSON.');
  });

  it.each([
    ['--anonymous --no-such-option', '--no-such-option'],
    ['--anonymous extra', 'too many arguments'],
    ['--anonymous --seconds abc', '--seconds'],
    ['--anonymous --seconds 0', '--seconds'],
    ['--anonymous --seconds -5', '--seconds'],
    ['--anonymous --seconds 0x10', '--seconds'],
    ['--anonymous --vehicles 1.5', '--vehicles'],
    ['--anonymous --mqtt localhost', '--mqtt'],
    ['--anonymous --mqtt localhost:99999', '--mqtt'],
    ['--anonymous --mqtt localhost:1883,', '--mqtt'],
    ['--anonymous --mqtt localhost:1883,other', '--mqtt'],
    ['--anonymous --mqtt-version 3', '--mqtt-version'],
    ['--anonymous --window 0', '--window'],
    ['--anonymous --vehicles 0 --bays 0', '--vehicles'],
    ['--anonymous --verify', '--kafka'],
    ['--anonymous --verify --kafka a:1', '--registry'],
    ['--anonymous --verify --kafka a:1 --registry somewhere', '--registry'],
    ['--anonymous --secret-seed x', 'exactly one'],
    ['', 'exactly one'],
    ['--anonymous --write-devices f.csv', '--secret-seed'],
  ])('refuses «%s» and says what is wrong', (line, named) => {
    const { command, err } = parse(line);
    expect(command).toEqual({ kind: 'exit', code: 2 });
    expect(err).toContain(named);
    expect(err).toContain('--help');
  });
});
