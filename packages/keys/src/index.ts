export { KeyRefused, admitPublicKey } from './admission.ts';
export type { KeyRefusedReason } from './admission.ts';
export { ALGORITHMS } from './algorithm.ts';
export type { Algorithm } from './algorithm.ts';
export { KeyFileError } from './key-file.ts';
export { NodeKey } from './node-key.ts';
export { signedBytes, verify, verifyBytes } from './signature.ts';
export { SignerKey } from './signer-key.ts';
export { SigningKey, generateKey } from './signing-key.ts';
