import { type BesiegedGateway, victim } from './besieged-gateway.ts';
import { cases } from './cases.ts';
import { spoiltAdministration } from './generators/administration.ts';
import { flawOfAdministration } from './judge/administration.ts';
import type { Surface } from './surface.ts';
import { talk } from './talk.ts';

/** Passwords are hashed meanwhile, a few at once, and records wait behind that for the disk. */
const patienceMs = 1_000;

/** The administration API. What it changes are devices that nobody logs in as. */
export const administrationSurface = ({ ports, tokens, passwords }: BesiegedGateway): Surface => ({
  name: 'administration',
  number: 11,
  count: cases.wire.administration,
  attack: async (random) => {
    const bytes = spoiltAdministration(random, { tokens, victim });
    const received = await talk(ports.administration, { bytes, next: [], patienceMs });
    const { read, operate, admin } = tokens;
    const mayBeServed = [read, operate, admin].some((token) => bytes.includes(token));
    if (received.includes('HTTP/1.1 20') && !mayBeServed) throw new Error('served without a token');
    if (received.includes('HTTP/1.1 201') && !bytes.includes(admin)) throw new Error('made without the scope for it');
    return received;
  },
  flawOf: (received, secrets) =>
    flawOfAdministration(received, { strangers: secrets, holders: [...passwords.values(), ...Object.values(tokens)] }),
});
