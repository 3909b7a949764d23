if address :is "from" "boss@example.com" { keep; stop; }
