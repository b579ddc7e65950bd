import { FleetLoad } from './load.ts';
import type { FleetCommand, FleetMessage, FleetRequest } from './protocol.ts';

// The process that FaultFleet starts: commands come in and answers go out over Node's channel between processes.
let load: FleetLoad | undefined;

const tell = (message: FleetMessage): void => {
  if (process.connected) process.send?.(message);
};

async function execute(command: FleetCommand): Promise<unknown> {
  if (command.kind === 'start') {
    load = await FleetLoad.start(command.options, (sample) => tell({ sample }));
    return undefined;
  }
  if (!load) throw new Error('the fleet has not been started');
  switch (command.kind) {
    case 'setAddresses':
      return load.setAddresses(command.addresses);
    case 'resetConnections':
      return load.resetConnections(command);
    case 'stopPublishing':
      return load.stopPublishing();
    case 'drain':
      return load.drain(command.deadlineMs);
    case 'summary':
      return load.summary();
    case 'close':
      return load.close();
  }
}

process.on('message', ({ id, command }: FleetRequest) => {
  execute(command).then(
    (result) => {
      tell({ id, result });
      if (command.kind === 'close') process.disconnect();
    },
    (error: unknown) => tell({ id, problem: error instanceof Error ? error.message : String(error) }),
  );
});

// Without its parent nobody would ever end it.
process.on('disconnect', () => process.exit());
