/**
 * Provisions a customer: a domain, its first user, and the addresses that a domain must have. It may be repeated.
 *
 * POSTHOUSE_URL=https://mail.example.org POSTHOUSE_KEY=phk_… node dist/examples/provision.js example.com
 */

import { Posthouse } from '../src/index.js';

const [domain] = process.argv.slice(2);
const posthouse = new Posthouse({ url: process.env.POSTHOUSE_URL!, key: process.env.POSTHOUSE_KEY });

await posthouse.domains.putDomain({ domain, domainPut: {} });
const owner = `owner@${domain}`;
await posthouse.users.putUser({ address: owner, userPut: { displayName: 'The owner', quotaBytes: 5 * 2 ** 30 } });
// RFC 2142 §5: everybody may write to these.
for (const name of ['postmaster', 'abuse']) {
    await posthouse.aliases.putAlias({ address: `${name}@${domain}`, aliasPut: { destinations: [owner] } });
}
console.log(owner);
