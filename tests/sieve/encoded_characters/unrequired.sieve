if not header :contains "Subject" "$${hex:40}" { discard; }
