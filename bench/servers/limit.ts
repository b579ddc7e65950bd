// Child process of the benchmark: the server that only answers PUBACK.
import type { AddressInfo } from 'node:net';
import { createPubackOnlyServer } from './puback-only.ts';

const server = createPubackOnlyServer();
server.listen(0, '127.0.0.1', 8192, () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
process.on('SIGTERM', () => process.exit(0));
// The benchmark that started it is gone: so is the reason to run.
process.on('disconnect', () => process.exit(0));
