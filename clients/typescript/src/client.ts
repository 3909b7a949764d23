/** How the operations reach the server. */

import { Apis } from './generated/all.js';
import { type Problem, ProblemFromJSON } from './generated/models/index.js';
import { Configuration, type FetchAPI, type ResponseContext } from './generated/runtime.js';

/** The methods that may be repeated (RFC 9110 §9.2.2). */
const IDEMPOTENT = ['GET', 'HEAD', 'PUT', 'DELETE'];

/** The longest pause before a request is sent again, in milliseconds. */
const LONGEST_PAUSE = 60_000;

export interface Options {
    /** Where the server is, such as `https://mail.example.org`. */
    url: string;
    /** An API key (`phk_…`) or an access token. */
    key?: string;
    /** How long a request may take with its reply, in milliseconds; 90 seconds if absent. */
    timeout?: number;
    /** How often a request is sent at most while the server asks to wait; 4 if absent. */
    attempts?: number;
    /** Another `fetch`, such as one that trusts more certificates. */
    fetch?: FetchAPI;
}

/** A client of one server. */
export class Posthouse extends Apis {
    constructor(options: Options) {
        super(
            new Configuration({
                basePath: options.url.replace(/\/+$/, ''),
                accessToken: options.key,
                fetchApi: patient(options),
                middleware: [{ post: refused }],
            }),
        );
    }

    /** A client that logged in with a user's password. Its token holds for the time that the server gives it. */
    static async withPassword(options: Options & { username: string; password: string }): Promise<Posthouse> {
        const { username, password, ...others } = options;
        const tokens = await new Posthouse(others).auth.login({ login: { username, password } });
        return new Posthouse({ ...others, key: tokens.accessToken });
    }
}

/** The server said no, and why (RFC 9457). */
export class ProblemError extends Error {
    override readonly name = 'ProblemError';

    constructor(readonly problem: Problem) {
        super(problem.detail);
    }

    /** Whether the problem is of this kind, such as `not-found`: the last part of its `type`. */
    is(kind: string): boolean {
        return this.problem.type.split(':').pop() === kind;
    }
}

/** A page of a list. */
export interface Page<T> {
    items: T[];
    nextCursor?: string;
}

/**
 * The items of a list that comes in pages, each of which is asked for when the one before it is used up:
 * `every((cursor) => posthouse.users.listUsers({ domain: 'example.org', cursor }))`.
 */
export async function* every<T>(fetchPage: (cursor?: string) => Promise<Page<T>>): AsyncGenerator<T, void, undefined> {
    let cursor: string | undefined;
    do {
        const page = await fetchPage(cursor);
        yield* page.items;
        cursor = page.nextCursor;
    } while (cursor !== undefined);
}

/** Sends a request again where that does no harm and helps (RFC 9110 §9.2.2, §10.2.3, RFC 6585 §4). */
function patient(options: Options): FetchAPI {
    const send: FetchAPI = options.fetch ?? fetch;
    const attempts = options.attempts ?? 4;
    return async (input, init) => {
        const repeatable = IDEMPOTENT.includes(init?.method ?? 'GET') || new Headers(init?.headers).has('Idempotency-Key');
        for (let attempt = 1; ; attempt++) {
            // A redirect would take the key to somebody else.
            const limits = { redirect: 'error' as const, signal: init?.signal ?? AbortSignal.timeout(options.timeout ?? 90_000) };
            const last = attempt >= attempts;
            let asked: string | null = null;
            try {
                const reply = await send(input, { ...init, ...limits });
                if (last || !(reply.status === 429 || (repeatable && reply.status === 503))) return reply;
                asked = reply.headers.get('Retry-After');
                await reply.arrayBuffer();
            } catch (error) {
                if (last || !repeatable || limits.signal.aborted) throw error;
            }
            await new Promise((resolve) => setTimeout(resolve, pause(asked, attempt)));
        }
    };
}

/** What the server asks for; otherwise half a second, and twice as long each time. In milliseconds. */
function pause(asked: string | null, attempt: number): number {
    const time = asked !== null && /^\d+$/.test(asked) ? Number(asked) * 1000 : 500 * 2 ** (attempt - 1);
    return Math.min(time, LONGEST_PAUSE);
}

/** Makes a problem document an error with its words. */
async function refused({ response }: ResponseContext): Promise<void> {
    const kind = response.headers.get('Content-Type') ?? '';
    if (response.status >= 400 && kind.startsWith('application/problem+json')) {
        throw new ProblemError(ProblemFromJSON(await response.json()));
    }
}
