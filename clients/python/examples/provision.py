"""Provisions a customer: a domain, its first user, and the addresses that a domain must have. It may be repeated.

POSTHOUSE_URL=https://mail.example.org POSTHOUSE_KEY=phk_… python3 provision.py example.com"""

import os
import sys

from posthouse import Client
from posthouse.models import AliasPut, DomainPut, UserPut

domain = sys.argv[1]
posthouse = Client(os.environ["POSTHOUSE_URL"], os.environ["POSTHOUSE_KEY"])

posthouse.domains.put_domain(domain, DomainPut())
owner = f"owner@{domain}"
posthouse.users.put_user(owner, UserPut(display_name="The owner", quota_bytes=5 << 30))
# RFC 2142 §5: everybody may write to these.
for name in ("postmaster", "abuse"):
    posthouse.aliases.put_alias(f"{name}@{domain}", AliasPut(destinations=[owner]))
print(owner)
