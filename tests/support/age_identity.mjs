// The sealing identity of an order link, derived a second time and by other means than the app's. What `age -d` opens with it was
// sealed to the link and to nothing else.

import { hkdfSync } from 'node:crypto';
import { bech32 } from '@scure/base';

/** `AGE-SECRET-KEY-1…` of the order link with this fragment (the part behind `#`). */
export function ageIdentity(fragment) {
  const secret = Buffer.from(fragment.split('.')[1], 'base64url');
  const key = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), 'kindling/v1/seal', 32));
  return bech32.encode('age-secret-key-', bech32.toWords(key)).toUpperCase();
}
