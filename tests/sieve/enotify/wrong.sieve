require "enotify";
notify "xmpp:tim@example.com?message;subject=SIEVE";
notify :importance "4" "mailto:tim@example.com";
notify :options "no value" "mailto:tim@example.com";
notify :from "nobody" "mailto:tim@example.com";
