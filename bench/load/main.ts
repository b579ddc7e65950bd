// Child process of the benchmark: makes the load, and reads the server's CPU time in the same turn as its own counters.
import { readResources } from '../measure/resources.ts';
import { loadTelemetryType } from './fleet.ts';
import { LoadGenerator } from './generator.ts';
import type { LoadReply, LoadRequest, LoadSubject } from './protocol.ts';

const subject = JSON.parse(process.argv[2] ?? '') as LoadSubject;
const generator = new LoadGenerator(await loadTelemetryType(), () => readResources(subject.serverPid, subject.cores));

const answer = async (request: LoadRequest): Promise<LoadReply> => {
  switch (request.kind) {
    case 'connect':
      await generator.connect(request);
      return { kind: 'done' };
    case 'saturate':
      return { kind: 'measured', result: await generator.saturate(request) };
    case 'pace':
      return { kind: 'measured', result: await generator.pace(request.ratePerSecond, request) };
  }
};

const end = (): void => {
  generator.close();
  process.exit(0);
};

process.on('message', (request: LoadRequest) => {
  answer(request).then(
    (reply) => process.send?.(reply),
    (error: Error) => process.send?.({ kind: 'failed', message: error.message } satisfies LoadReply),
  );
});
process.on('SIGTERM', end);
process.on('disconnect', end);
