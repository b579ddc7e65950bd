// Child process of the benchmark: Node's TLS server as it comes, which asks for a certificate and does nothing else.
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { CertificateFiles } from './certificates.ts';

const { caFile, certFile, keyFile } = JSON.parse(process.argv[2] ?? '') as CertificateFiles;

/** One function for all sockets, as anybody would write it who has many. */
function ignore(): void {}

const server = createServer(
  {
    ca: readFileSync(caFile),
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
    requestCert: true,
    rejectUnauthorized: true,
    noDelay: true,
  },
  (socket: TLSSocket) => {
    socket.on('error', ignore).on('data', ignore);
  },
);
server.on('tlsClientError', ignore);
server.listen(0, '127.0.0.1', 8192, () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
process.on('SIGTERM', () => process.exit(0));
// The benchmark that started it is gone: so is the reason to run.
process.on('disconnect', () => process.exit(0));
