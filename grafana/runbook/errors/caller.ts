import { LIMITS } from '@macronode/contracts';
import { METRICS } from '../../declared.ts';
import { ask, perSecond, recorded, type } from '../ask.ts';
import type { RunbookEntry } from '../entry.ts';
import { answers, refusals } from './refusal.ts';

const { index, mailbox, storage } = METRICS;

/** A request that is wrong in itself. */
const malformed: Readonly<Record<string, RunbookEntry>> = {
  bad_request: {
    meaning: 'A path, query or header is malformed, a record is for another name, or a body ended early.',
    steps: [
      refusals(
        'bad_request|aborted|if_match|name_mismatch|expired',
        '`aborted`: clients leave in the middle of a body. `if_match`: an entity tag without its quotes.',
      ),
      answers(400, '`unmatched` is a scanner; a known route is one client with a defect.'),
    ],
    mend: [
      '`aborted` in numbers: a proxy cuts bodies; its timeout is shorter than the upload.',
      'Otherwise the caller: `message` names the header or field.',
    ],
  },
  bad_id: {
    meaning: 'The id in the path is not `b3:` and 64 lower-case hex digits. No service was asked.',
    steps: [
      refusals('bad_id', 'Counted at the gateway.'),
      type('What the id of the bytes really is.', 'npx ronctl put README.md', 'It prints the id as it has to be sent.'),
    ],
    mend: ['Upper-case hex, a SHA-256, or a truncated id: callers take the id the node answered, unchanged.'],
  },
  bad_name: {
    meaning: 'A name breaks the rules: labels of a-z, 0-9, `_` and `-`, joined by dots.',
    steps: [
      refusals('bad_name', 'Counted at the gateway, before the index is asked.'),
      type(
        'Whether the same name is accepted elsewhere.',
        'npx ronctl name get readme',
        'The command line refuses a bad name before it sends it.',
      ),
    ],
    mend: [
      `At most ${LIMITS.name_chars.value} characters, ${LIMITS.name_label_chars.value} per label; names are not percent-encoded Unicode.`,
    ],
  },
  schema: {
    meaning: 'A JSON body is not what its route asks for. `message` has the path of the first field that is wrong.',
    steps: [
      refusals(
        'schema|syntax|duplicate_key|depth|encoding|number',
        '`syntax`, `encoding`: not JSON. `duplicate_key`, `number`, `depth`: JSON that parsers read differently. `schema`: a wrong field.',
      ),
      ask(
        'Whether it began with a release of ours.',
        `count by (service, version) (${METRICS.state.build.name})`,
        'A new version: compare `packages/contracts/openapi.json`.',
      ),
    ],
    mend: [
      'Unknown fields are refused on purpose; a client that is newer than the node leaves them out.',
      '`number`: above 1.8e308 it has no value as a double; it is sent as text.',
    ],
  },
  unsupported_media_type: {
    meaning:
      'The Content-Type or Content-Encoding is none the route takes. Bodies are stored as they come and never unpacked.',
    steps: [
      refusals(
        'content_type|content_encoding|unsupported_media_type',
        '`content_type`: JSON without `application/json`. `content_encoding`: a compressed body.',
      ),
      type(
        'What a request that is accepted looks like.',
        'curl -si -H "content-type: application/json" -d "{}" http://127.0.0.1:8080/mailbox/send',
        'Another code, `schema`: the type is right.',
      ),
    ],
    mend: [
      'Send `Content-Type: application/json` to JSON routes; send objects uncompressed, or compressed as their own bytes without Content-Encoding.',
    ],
  },
  header_too_large: {
    meaning: `The header of a request is over ${LIMITS.header_bytes.value} bytes in all. The connection is closed after the answer.`,
    steps: [
      refusals('header_too_large', 'Counted before any route is known.'),
      answers(431, 'Always `unmatched`: the header was not read to its end.'),
    ],
    mend: ['Cookies of another application on the same host, or a token that grew; send neither to the node.'],
  },
  method_not_allowed: {
    meaning: 'The route is there and has no such method.',
    steps: [
      refusals('method_not_allowed', 'A steady rate is a client with a wrong method; a burst a scanner.'),
      type(
        'Which methods it has.',
        'curl -si -X DELETE http://127.0.0.1:8080/o',
        'The `allow` header of the answer lists them.',
      ),
    ],
    mend: ['Objects are neither changed nor deleted: they are put, read, and named.'],
  },
  too_large: {
    meaning: 'A body, message or frame is over the limit of its route.',
    steps: [
      refusals(
        'too_large|mailbox_payload_bytes',
        '`mailbox_payload_bytes`: a message. `too_large`: a JSON body or an object.',
      ),
      ask(
        'The limit of objects as storage has it now.',
        `max by (key) (${METRICS.state.config.name}{service="storage",key="maxObjectBytes"})`,
        '`STORAGE_MAX_OBJECT_BYTES`.',
      ),
    ],
    mend: [
      'A message: put its content as an object and send the id.',
      'An object above 1 GiB: cut it and put a list of its parts; the limit is that of a manifest in one frame.',
    ],
  },
  range_not_satisfiable: {
    meaning: 'A Range names no byte of the object. The answer says its size in `Content-Range`.',
    steps: [
      refusals('range_not_satisfiable', 'Single ones: a download that was complete is continued.'),
      type('How large the object is.', 'curl -sI http://127.0.0.1:8080/n/readme', '`content-length`.'),
    ],
    mend: ['Clients that continue a download compare what they hold with the size first.'],
  },
};

/** A request that does not fit what is there. */
const conflicts: Readonly<Record<string, RunbookEntry>> = {
  unauthorized: {
    meaning: 'A route for operators was asked without the admin token, or with another one.',
    steps: [
      refusals(
        'unauthorized',
        'The public port asks for no token; those of ops ports are answered there and not counted.',
      ),
      type(
        'Whether the token is the one of that process.',
        'npx ronctl --ops http://127.0.0.1:9080 bus dlq list --service storage',
        'It takes the token from RONCTL_TOKEN, or `--token`.',
      ),
    ],
    mend: [
      'Send the value of `ADMIN_TOKEN` of the process that is asked as `Authorization: Bearer`; after a change restart it, settings are read at the start.',
    ],
  },
  forbidden: {
    meaning: 'The routes for operators are turned off on this process: it has no admin token.',
    steps: [
      refusals('forbidden', 'Nothing: the ops port answers it without counting.'),
      ask(
        'Whether it has one.',
        `max by (service) (${METRICS.state.config.name}{key="adminToken"})`,
        '1 where it is set.',
      ),
    ],
    mend: [
      'Set `ADMIN_TOKEN` (16 characters and more) on one process, restart it, and ask that one: any ops port reads the dead letters of all.',
    ],
  },
  not_owner: {
    meaning: 'A name belongs to the key that published it first; this record is signed by another.',
    steps: [
      ask(
        'How often.',
        perSecond(index.names, 'result', 'result="not_owner"'),
        'Single ones: two publishers of one name. Many: a node that lost its key.',
      ),
      type('Who owns it.', 'npx ronctl name get readme', '`owner` is the public key.'),
    ],
    mend: [
      'The node signs with a key in its `DATA_DIR`: after a restore without it every name it owns is refused. Restore the key file too.',
      'Two publishers: choose another name; ownership is not transferred.',
    ],
  },
  not_found: {
    meaning: 'Nothing is stored under this id, name, topic or route, or the record of the name has expired.',
    steps: [
      answers(
        404,
        '`unmatched`: paths that do not exist. `/o/{id}`: objects that were never put here, or went with an amnesic node.',
      ),
      ask(
        'How lookups of names end.',
        `sum by (result) (rate(${index.resolveLatency.name}_count[300s]))`,
        '`not_found` against `found`.',
      ),
      ask(
        'Whether storage lost files.',
        perSecond(storage.reconciled, 'action'),
        '`dropped` above 0 at a start: rows whose file was gone.',
      ),
    ],
    mend: [
      'A node without `DATA_DIR` forgets everything when it ends; put it again, the id stays the same.',
      'An expired name: publish it again; `INDEX_RECORD_VALIDITY_DAYS` says for how long.',
    ],
  },
  stale_seq: {
    meaning:
      'A record came with a sequence number that is not above the stored one: somebody was faster, or a clock-based number ran back.',
    steps: [
      ask(
        'How often.',
        perSecond(index.names, 'result', 'result="stale_seq"'),
        'A steady share: two publishers of one name.',
      ),
      type(
        'The number that is stored.',
        'npx ronctl name get readme --json',
        '`seq`: the next record needs a higher one.',
      ),
    ],
    mend: ['Publishers read the name, add one, and send `If-Match` with the entity tag they read.'],
  },
  receipt_stale: {
    meaning: 'A receipt came after its lease had ended, or after the message went to another receiver.',
    steps: [
      ask(
        'How often.',
        perSecond(mailbox.ackRefused, 'reason'),
        '`receipt_stale`: late. `not_found`: it was acknowledged before, or is a receipt of elsewhere.',
      ),
      ask(
        'How many leases end.',
        perSecond(mailbox.visibilityTimeouts, 'service'),
        'About as many: receivers take longer than they asked for.',
      ),
    ],
    mend: [
      'The receiver treats the message as not done: it comes again. It asks for a longer `visibility_ms`, or takes fewer at once.',
    ],
  },
  precondition_failed: {
    meaning: 'If-Match or If-None-Match does not hold: the name moved, or the object is there already.',
    steps: [
      answers(412, 'On names: writers that race. On objects: `If-None-Match: *` for bytes that are stored.'),
      ask(
        'How many publications it ends.',
        perSecond(index.names, 'result', 'result="precondition_failed"'),
        'Against `updated`: the share that races.',
      ),
    ],
    mend: [
      'The caller reads again and decides; that is what the condition is for. For objects the answer is as good as success.',
    ],
  },
  digest_mismatch: {
    meaning: 'The bytes that arrived do not hash to the id in the path. Nothing was stored.',
    steps: [
      ask(
        'How often.',
        perSecond(storage.refused, 'service', 'reason="digest_mismatch"'),
        'Single ones: a broken client. Many: something changes bytes on the way.',
      ),
      ask(
        'Whether stored bytes are damaged too.',
        recorded('integrityFailures'),
        'Above 0: suspect the memory of the machine, not the client.',
      ),
    ],
    mend: [
      'A proxy that rewrites or compresses bodies: let object routes pass as they are.',
      'Both kinds at once: test the memory of the machine.',
    ],
  },
  bad_signature: {
    meaning: 'The signature of a record does not verify, or its owner key is refused.',
    steps: [
      refusals('bad_signature|signature|key', '`key`: a weak or malformed key. `signature`: other bytes were signed.'),
      ask(
        'Among how many publications.',
        perSecond(index.names, 'result'),
        '`bad_signature` against `created` and `updated`.',
      ),
    ],
    mend: [
      'Signed is the canonical JSON of the record (RFC 8785) in lower-case hex; a client that signs its own spelling fails on some records only.',
    ],
  },
  idempotency_mismatch: {
    meaning:
      'A message came under an idempotency key that was used for another payload within `MAILBOX_DEDUP_WINDOW_MS`.',
    steps: [
      ask('How often.', perSecond(mailbox.duplicates, 'result'), '`mismatch`: this error. `answered`: honest repeats.'),
      type(
        'A fresh key is what a send without one gets.',
        'npx ronctl mailbox send jobs --payload hello',
        'It prints the id of the message.',
      ),
    ],
    mend: [
      'The sender makes keys from a counter that restarts, or from a part of the payload: take a random key per message and keep it for its repeats.',
    ],
  },
};

/** Errors a caller mends. */
export const callerErrors: Readonly<Record<string, RunbookEntry>> = { ...malformed, ...conflicts };
