export { freePort, freePorts } from '../../deploy/local/ports.ts';
