import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { isRunning } from '../support/is-running.ts';
import { waitFor } from '../support/wait-for.ts';

const root = join(import.meta.dirname, '../..');

/** Runs a gateway, says its process id, and is then busy with something that listens to nobody. */
const harness = `
  import { endOnSignals } from ${JSON.stringify(join(root, 'faults/end-on-signals.ts'))};
  import { GatewayProcess } from ${JSON.stringify(join(root, 'test/support/gateway-process.ts'))};
  endOnSignals(() => undefined);
  const gateway = await GatewayProcess.spawn({}, {}, ['sh', '-c', 'exec sleep 60']);
  process.stdout.write(gateway.child.pid + '\\n');
  await new Promise((resolve) => setTimeout(resolve, 60_000));
`;

describe('a harness that is asked to end', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'ends at %s with 130, whatever it waits for, and its gateway with it',
    async (signal) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', harness], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = await once(createInterface({ input: child.stdout }), 'line');
      const pid = Number(line);
      expect(isRunning(pid)).toBe(true);
      child.kill(signal);
      const [code] = await once(child, 'exit');
      expect(code).toBe(130);
      await waitFor(() => !isRunning(pid), { deadlineMs: 10_000, what: 'the gateway to end' });
    },
  );
});
