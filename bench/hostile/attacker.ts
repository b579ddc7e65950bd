import { type Login, type LoginAnswer, logIn, type Route } from './wire.ts';

/** What the parent process asks for. */
export interface Attack {
  readonly port: number;
  readonly logins: number;
  /** Addresses that they come from, in turn: 127.0.1.1, 127.0.1.2 and so on. */
  readonly addresses: number;
  readonly perSecond: number;
  /** Names of devices that exist; every second login tries one of them. */
  readonly names: readonly string[];
}

export interface AttackResult {
  readonly answers: Readonly<Record<string, number>>;
  readonly seconds: number;
}

const mostAtOnce = 500;
const addressesPerBlock = 250;

/** The address of attacker number `index`. All of 127.0.0.0/8 is this machine, on Linux. */
export const attackerAddress = (index: number): string =>
  `127.0.${1 + Math.floor(index / addressesPerBlock)}.${1 + (index % addressesPerBlock)}`;

function loginOf(index: number, { names }: Attack): Login {
  const name = index % 2 === 0 ? names[(index / 2) % names.length] : undefined;
  return { deviceId: name ?? `nobody-${index}`, password: `guess-${index}` };
}

/** Logs in with wrong passwords, at a rate, so many at once at most. */
export async function attack(order: Attack): Promise<AttackResult> {
  const answers = new Map<LoginAnswer, number>();
  const underWay = new Set<Promise<void>>();
  const startedAtMs = performance.now();
  for (let index = 0; index < order.logins; index += 1) {
    const dueInMs = startedAtMs + (index * 1000) / order.perSecond - performance.now();
    if (dueInMs > 1) await new Promise((resolve) => setTimeout(resolve, dueInMs));
    const route: Route = { port: order.port, localAddress: attackerAddress(index % order.addresses) };
    const login = logIn(route, loginOf(index, order)).then(({ answer }) => {
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
      underWay.delete(login);
    });
    underWay.add(login);
    if (underWay.size >= mostAtOnce) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  return { answers: Object.fromEntries(answers), seconds: (performance.now() - startedAtMs) / 1000 };
}

/** As a process of its own, so that the attacker's work is not taken for the gateway's. */
if (import.meta.main) {
  process.once('message', (order) => {
    void attack(order as Attack).then((result) => {
      process.send?.(result, () => process.disconnect());
    });
  });
}
