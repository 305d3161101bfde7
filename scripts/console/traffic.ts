// Traffic as real clients make it, for looking at a console: a little of everything, mistakes included.
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
