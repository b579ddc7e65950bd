/** How many spoilt inputs a run makes, by what they are for: over the wire, and to decoders in the test's own process. */
export const cases = {
  wire: {
    mqttFirstBytes: 4_000,
    mqttPackets: 3_000,
    payloads: 12_000,
    tlsHellos: 3_000,
    tlsRecords: 400,
    tokens: 1_600,
    httpRequests: 3_000,
    proxyHeaders: 2_500,
    webSocketUpgrades: 1_500,
    webSocketFrames: 2_500,
    administration: 3_000,
  },
  inProcess: { mqtt: 25_000, protobuf: 25_000, tokens: 23_500 },
} as const;

const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Those that go over the wire, to a real gateway. */
export const wireCases = sumOf(cases.wire);
export const allCases = wireCases + sumOf(cases.inProcess);

/** What is promised of them together. */
export const promisedCases = 110_000;
