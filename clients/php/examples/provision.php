<?php

// Provisions a customer: a domain, its first user, and the addresses that a domain must have. It may be repeated.
//
// POSTHOUSE_URL=https://mail.example.org POSTHOUSE_KEY=phk_… php provision.php example.com

declare(strict_types=1);

use Posthouse\Client;
use Posthouse\Generated\Model\AliasPut;
use Posthouse\Generated\Model\DomainPut;
use Posthouse\Generated\Model\UserPut;

require __DIR__ . '/../tests/autoload.php';

$domain = $argv[1];
$posthouse = new Client(getenv('POSTHOUSE_URL'), getenv('POSTHOUSE_KEY'));

$posthouse->domains->putDomain($domain, new DomainPut());
$owner = "owner@$domain";
$posthouse->users->putUser($owner, new UserPut(['display_name' => 'The owner', 'quota_bytes' => 5 << 30]));
// RFC 2142 §5: everybody may write to these.
foreach (['postmaster', 'abuse'] as $name) {
    $posthouse->aliases->putAlias("$name@$domain", new AliasPut(['destinations' => [$owner]]));
}
echo "$owner\n";
