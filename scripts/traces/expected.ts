/** A trace as it has to be: a line a span, below its parent and earliest first. */
export interface ExpectedTrace {
  readonly title: string;
  readonly spans: readonly string[];
}

export const EXPECTED = Object.freeze({
  put: {
    title: 'PUT /o/{id}: a ticket by way of omnigate, then the bytes straight to storage',
    spans: [
      'gateway: PUT /o/{id} (server)',
      '  gateway: send omnigate.object.open (client, hop 1)',
      '    omnigate: process omnigate.object.open (server, hop 1)',
      '      omnigate: forward storage.object.open (producer, hop 2)',
      '        storage: process storage.object.open (server, hop 2)',
      '  gateway: send storage.object.write (client, hop 1)',
      '    storage: process storage.object.write (server, hop 1)',
    ],
  },
  readByName: {
    title: 'GET /n/{name}: omnigate asks the index, and storage answers the gateway',
    spans: [
      'gateway: GET /n/{name} (server)',
      '  gateway: send omnigate.name.read (client, hop 1)',
      '    omnigate: process omnigate.name.read (server, hop 1)',
      '      omnigate: send index.name.get (client, hop 2)',
      '        index: process index.name.get (server, hop 2)',
      '      omnigate: forward storage.object.read (producer, hop 2)',
      '        storage: process storage.object.read (server, hop 2)',
    ],
  },
  send: {
    title: 'POST /mailbox/send',
    spans: [
      'gateway: POST /mailbox/send (server)',
      '  gateway: send omnigate.mailbox.send (client, hop 1)',
      '    omnigate: process omnigate.mailbox.send (server, hop 1)',
      '      omnigate: forward mailbox.send (producer, hop 2)',
      '        mailbox: process mailbox.send (server, hop 2)',
    ],
  },
  commit: {
    title: 'POST /registry/commit/{id}: the log answers the gateway, and tells of the commit after that',
    spans: [
      'gateway: POST /registry/commit/{id} (server)',
      '  gateway: send registry.write (client, hop 1)',
      '    registry: process registry.write (server, hop 1)',
      '      registry: publish registry.committed (producer, hop 2)',
      '        gateway: process registry.committed (consumer, hop 2)',
    ],
  },
  unsampled: { title: 'GET /n/{name}, ratio 0: answered, so nothing of it is kept', spans: [] },
  indexPaused: {
    title: 'GET /n/{name}, ratio 0, while the index stands still: kept by all who saw it fail',
    spans: [
      'gateway: GET /n/{name} (server, failed: 504)',
      '  gateway: send omnigate.name.read (client, hop 1, failed: deadline)',
      '    omnigate: process omnigate.name.read (server, hop 1, failed: deadline)',
      '      omnigate: send index.name.get (client, hop 2, failed: deadline)',
    ],
  },
  storagePaused: {
    title: 'GET /n/{name}, ratio 0, while storage stands still: omnigate had handed it on and let go of it',
    spans: [
      'gateway: GET /n/{name} (server, failed: 504)',
      '  gateway: send omnigate.name.read (client, hop 1, failed: deadline)',
    ],
  },
} satisfies Record<string, ExpectedTrace>);
