/**
 * A client of the REST API of Posthouse.
 *
 * `Posthouse` has every operation by its group, such as `posthouse.users.createUser(…)`; they and the models are generated from the
 * API's document into `generated/`. Written by hand are what lets it in, what it does when the server asks to wait, its
 * `ProblemError`, and `every`, which walks through lists.
 */
export { Posthouse, ProblemError, every, type Options, type Page } from './client.js';
export * from './generated/index.js';
