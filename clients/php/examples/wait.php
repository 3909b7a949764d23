<?php

// Waits for the next message to an address, half a minute, and prints the code in it: what a test of a sign-up form needs.
//
// POSTHOUSE_URL=https://mail.example.org POSTHOUSE_KEY=phk_… php wait.php alice@example.com [AFTER]

declare(strict_types=1);

use Posthouse\Client;

require __DIR__ . '/../tests/autoload.php';

// Also one that came since the time AFTER.
[, $address, $after] = $argv + [2 => null];
$posthouse = new Client(getenv('POSTHOUSE_URL'), getenv('POSTHOUSE_KEY'));

$message = $posthouse->messages->waitForMessage($address, timeout: '30s', after: $after);
if ($message === null) {
    exit("no message came\n");
}
$code = preg_match('/\b\d{6}\b/', (string) $message->getText(), $found) ? $found[0] : 'no code';
echo "{$message->getSubject()}: $code\n";
