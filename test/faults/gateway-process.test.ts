import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../deploy/local/wait-for.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { isRunning } from '../support/is-running.ts';

const support = join(import.meta.dirname, '../support/gateway-process.ts');

describe('a gateway under test', () => {
  it('gives Node its arguments before the program, also behind a launcher', async () => {
    await using gateway = await GatewayProcess.spawn({}, {}, ['echo', 'launched'], ['--min-semi-space-size=64']);
    await waitFor(() => gateway.log.length > 0, { deadlineMs: 10_000, what: 'the command to be echoed' });
    expect(gateway.log[0]?.text).toMatch(/^launched \S*node\S* --min-semi-space-size=64 \S*main\.ts --config /);
  });

  it('does not outlive a harness that ends without disposing of it', async () => {
    const harness = `
      import { GatewayProcess } from ${JSON.stringify(support)};
      const gateway = await GatewayProcess.spawn({}, {}, ['sh', '-c', 'exec sleep 60']);
      process.stdout.write(String(gateway.child.pid), () => process.exit());
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', harness]);
    const pid = Number(stdout);
    expect(pid).toBeGreaterThan(0);
    await waitFor(() => !isRunning(pid), { deadlineMs: 10_000, what: 'the gateway to end' });
  });
});
