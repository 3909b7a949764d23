/* tslint:disable */
/* eslint-disable */
export * from './AliasesApi.js';
export * from './ApiKeysApi.js';
export * from './AppPasswordsApi.js';
export * from './AuthApi.js';
export * from './DefenceApi.js';
export * from './DomainsApi.js';
export * from './EventsApi.js';
export * from './HealthApi.js';
export * from './MailboxesApi.js';
export * from './MessagesApi.js';
export * from './QueueApi.js';
export * from './ReportsApi.js';
export * from './ServerApi.js';
export * from './SessionsApi.js';
export * from './SieveApi.js';
export * from './SpamApi.js';
export * from './SubmissionsApi.js';
export * from './TotpApi.js';
export * from './TracesApi.js';
export * from './UsersApi.js';
export * from './WebhooksApi.js';
