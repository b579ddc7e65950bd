export { type NotYet, type WaitOptions, waitFor } from '../../deploy/local/wait-for.ts';
