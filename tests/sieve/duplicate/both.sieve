require ["duplicate", "vnd.dovecot.duplicate"];
if duplicate { discard; }
