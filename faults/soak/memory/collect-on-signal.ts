// Preloaded into the gateway of a soak, which runs with --expose-gc: has V8 collect its garbage and give back what it does
// not need, whenever it is told to.
process.on('SIGUSR2', () => {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
});
