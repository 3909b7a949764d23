# flake8: noqa

# import apis into api package
from posthouse.generated.api.aliases_api import AliasesApi
from posthouse.generated.api.api_keys_api import ApiKeysApi
from posthouse.generated.api.app_passwords_api import AppPasswordsApi
from posthouse.generated.api.auth_api import AuthApi
from posthouse.generated.api.defence_api import DefenceApi
from posthouse.generated.api.domains_api import DomainsApi
from posthouse.generated.api.events_api import EventsApi
from posthouse.generated.api.health_api import HealthApi
from posthouse.generated.api.mailboxes_api import MailboxesApi
from posthouse.generated.api.messages_api import MessagesApi
from posthouse.generated.api.queue_api import QueueApi
from posthouse.generated.api.reports_api import ReportsApi
from posthouse.generated.api.server_api import ServerApi
from posthouse.generated.api.sessions_api import SessionsApi
from posthouse.generated.api.sieve_api import SieveApi
from posthouse.generated.api.spam_api import SpamApi
from posthouse.generated.api.submissions_api import SubmissionsApi
from posthouse.generated.api.totp_api import TotpApi
from posthouse.generated.api.traces_api import TracesApi
from posthouse.generated.api.users_api import UsersApi
from posthouse.generated.api.webhooks_api import WebhooksApi
