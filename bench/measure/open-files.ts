/** Files that a process keeps open beside its connections: modules, logs, Kafka, a reserve. */
const reserve = 200;

/**
 * What keeps `connections` sockets from being opened, or undefined. Node raises its own soft limit to the hard one when
 * it starts, and so does every process that the benchmark starts: what this process may open, they may.
 */
export const openFilesShortage = (connections: number): string | undefined => {
  const limit = softLimit();
  if (limit === undefined || connections + reserve <= limit) return undefined;
  return (
    `${connections} connections need ${connections + reserve} open files, this system allows ${limit} per process: ` +
    'raise the hard limit (ulimit -Hn) or ask for fewer connections'
  );
};

const softLimit = (): number | undefined => {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft: number | string } } };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : undefined;
};
