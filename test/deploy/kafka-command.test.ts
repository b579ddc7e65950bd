import { describe, expect, test, vi } from 'vitest';
import { parseKafkaArguments, runKafkaCommand } from '../../deploy/local/kafka-command.ts';

describe('npm run kafka', () => {
  test('runs one broker and a registry on the usual ports by default', () => {
    expect(parseKafkaArguments([])).toEqual({ brokers: 1, port: 9092, registry: true, registryPort: 8081 });
  });

  test('takes the number of brokers, a directory and ports', () => {
    expect(parseKafkaArguments(['--brokers', '3', '--dir', 'd', '--port', '9000', '--no-registry'])).toEqual({
      brokers: 3,
      dir: 'd',
      port: 9000,
      registry: false,
      registryPort: 8081,
    });
  });

  test.each([
    [['--brokers', '2'], 'must be 1 or 3'],
    [['--port', '70000'], 'port number'],
    [['--unknown'], "unknown option '--unknown'"],
    [['extra'], 'too many arguments'],
  ])('refuses %j with exit code 2 and says why', async (args, reason) => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      expect(await runKafkaCommand(args)).toBe(2);
      expect(written.mock.calls.join('')).toContain(reason);
    } finally {
      written.mockRestore();
    }
  });
});
