require "vnd.dovecot.duplicate";
if duplicate :handle "old" :value "42" { discard; } else { keep; }
