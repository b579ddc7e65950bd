import { Log } from '../../../gateway/observability/log.ts';

/** Writes as many lines as its argument says, says on standard error how many it dropped, and ends at once. */
const log = new Log({ level: 'info' });
const text = 'x'.repeat(1000);
for (let line = 0; line < Number(process.argv[2]); line++) {
  log.write('info', 'chatter', text);
  // Gives a reader that has gone the chance to be noticed.
  if (line % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
}
process.stderr.write(`${log.droppedLines}\n`, () => process.exit(0));
