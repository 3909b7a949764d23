/** What a panel and a script do, on a live server: POSTHOUSE_URL and POSTHOUSE_KEY name it, as an administrator. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Posthouse, ProblemError, every } from '../src/index.js';

const domain = 'typescript.test';
const ada = 'ada@typescript.test';
const info = 'info@typescript.test';

const refused = (kind: string) => (error: unknown) => error instanceof ProblemError && error.is(kind);

test('a customer comes, writes, and goes', async () => {
    const { POSTHOUSE_URL: url, POSTHOUSE_KEY: key } = process.env;
    assert.ok(url && key, 'POSTHOUSE_URL and POSTHOUSE_KEY name the server');
    const posthouse = new Posthouse({ url, key });
    await provision(posthouse);
    await exchange(posthouse);

    await posthouse.aliases.deleteAlias({ address: info });
    await posthouse.users.deleteUser({ address: ada, purge: true });
    await posthouse.domains.deleteDomain({ domain });
    await assert.rejects(posthouse.domains.showDomain({ domain }), refused('not-found'));
});

async function provision(posthouse: Posthouse): Promise<void> {
    assert.equal((await posthouse.domains.createDomain({ domainCreate: { domain } })).domain, domain);
    await assert.rejects(posthouse.domains.createDomain({ domainCreate: { domain } }), refused('exists'));
    await posthouse.users.createUser({ userCreate: { address: ada, password: 'correct horse battery staple', displayName: 'Ada' } });
    for (let time = 0; time < 2; time++) {
        const alias = await posthouse.aliases.putAlias({ address: info, aliasPut: { destinations: [ada] } });
        assert.deepEqual(alias.destinations, [ada]);
    }
    const users: string[] = [];
    for await (const user of every((cursor) => posthouse.users.listUsers({ limit: 1, cursor }))) users.push(user.address);
    assert.ok(users.length > 1 && users.includes(ada), `${users}`);
}

async function exchange({ messages, submissions }: Posthouse): Promise<void> {
    const begun = new Date(Date.now() - 1000).toISOString();
    const octets = Uint8Array.of(0, 1, 2, 255);
    await submissions.submitMessage({
        address: ada,
        newSubmission: {
            to: [{ address: info }],
            subject: 'Grüße',
            text: 'Your code is 123456.\n',
            attachments: [{ name: 'data.bin', content: Buffer.from(octets).toString('base64') }],
        },
    });

    const found = await messages.waitForMessage({ address: ada, subject: 'Grüße', after: begun, timeout: '30s' });
    assert.ok(found, 'the message came');
    const message = await messages.showMessage({ address: ada, messageId: found.id });
    assert.match(message.text ?? '', /123456/);
    const attached = message.attachments.find((attachment) => attachment.name === 'data.bin');
    assert.ok(attached);
    const attachment = await messages.getAttachment({ address: ada, messageId: found.id, n: attached.n });
    assert.deepEqual(new Uint8Array(await attachment.arrayBuffer()), octets);

    await messages.deleteMessage({ address: ada, messageId: found.id });
    await assert.rejects(messages.showMessage({ address: ada, messageId: found.id }), refused('not-found'));
}
