/** What is written by hand, against a server that says what it is told to. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';

import { Posthouse, ProblemError, every } from '../src/index.js';

const domain = { domain: 'example.org', enabled: true, description: '', metadata: {}, tags: [], created_at: '2026-11-23T20:19:30.125Z', updated_at: '2026-11-23T20:19:30.125Z' };
const later = { type: 'urn:posthouse:problem:try-later', title: 'Not possible at this moment', status: 503, detail: 'try again later' };

type Reply = [status: number, body: object, headers?: Record<string, string>];

/** Gives the replies one after the other, and remembers the requests. */
async function serve(replies: Reply[], use: (posthouse: Posthouse, requests: string[]) => Promise<void>): Promise<void> {
    const requests: string[] = [];
    const server = createServer((request, reply) => {
        requests.push(`${request.method} ${request.url} ${request.headers.authorization}`);
        const [status, body, headers] = replies.shift() ?? [500, {}];
        reply.writeHead(status, { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json', ...headers });
        reply.end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    try {
        await use(new Posthouse({ url, key: 'phk_test' }), requests);
    } finally {
        server.closeAllConnections();
        server.close();
    }
}

const wait: Reply = [503, later, { 'Retry-After': '0' }];

test('what does no harm is sent again', () =>
    serve([wait, [429, later, { 'Retry-After': '0' }], [200, domain]], async (posthouse, requests) => {
        const found = await posthouse.domains.showDomain({ domain: 'example.org' });
        assert.equal(found.createdAt.toISOString(), domain.created_at);
        assert.deepEqual(requests, Array(3).fill('GET /api/v1/domains/example.org Bearer phk_test'));
    }));

test('what may have been done is not', () =>
    serve([wait], async (posthouse, requests) => {
        const refused = posthouse.domains.createDomain({ domainCreate: { domain: 'example.org' } });
        await assert.rejects(refused, (error: unknown) => error instanceof ProblemError && error.is('try-later') && error.problem.status === 503);
        assert.equal(requests.length, 1);
    }));

test('it gives up', () =>
    serve([wait, wait, wait, wait], async (posthouse, requests) => {
        await assert.rejects(posthouse.domains.showDomain({ domain: 'example.org' }), ProblemError);
        assert.equal(requests.length, 4);
    }));

test('pages are asked for as they are used', () =>
    serve([[200, { items: [domain], next_cursor: 'a=b' }], [200, { items: [domain] }]], async (posthouse, requests) => {
        const items = every((cursor) => posthouse.domains.listDomains({ limit: 1, cursor }));
        assert.equal((await items.next()).value?.domain, 'example.org');
        assert.equal(requests.length, 1);
        assert.equal((await items.next()).value?.domain, 'example.org');
        assert.equal((await items.next()).done, true);
        assert.equal(requests[1], 'GET /api/v1/domains?limit=1&cursor=a%3Db Bearer phk_test');
    }));
