/**
 * Waits for the next message to an address, half a minute, and prints the code in it: what a test of a sign-up form needs.
 *
 * POSTHOUSE_URL=https://mail.example.org POSTHOUSE_KEY=phk_… node dist/examples/wait.js alice@example.com [AFTER]
 */

import { Posthouse } from '../src/index.js';

// Also one that came since the time AFTER.
const [address, after] = process.argv.slice(2);
const posthouse = new Posthouse({ url: process.env.POSTHOUSE_URL!, key: process.env.POSTHOUSE_KEY });

const message = await posthouse.messages.waitForMessage({ address, timeout: '30s', after });
if (!message) throw new Error('no message came');
console.log(`${message.subject}: ${message.text?.match(/\b\d{6}\b/)?.[0] ?? 'no code'}`);
