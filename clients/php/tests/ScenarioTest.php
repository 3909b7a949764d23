<?php

declare(strict_types=1);

namespace Posthouse\Tests;

use PHPUnit\Framework\TestCase;
use Posthouse\Client;
use Posthouse\Generated\ApiException;
use Posthouse\Generated\Model\AliasPut;
use Posthouse\Generated\Model\DomainCreate;
use Posthouse\Generated\Model\NewAttachment;
use Posthouse\Generated\Model\NewPerson;
use Posthouse\Generated\Model\NewSubmission;
use Posthouse\Generated\Model\UserCreate;

/** What a panel and a script do, on a live server: POSTHOUSE_URL and POSTHOUSE_KEY name it, as an administrator. */
final class ScenarioTest extends TestCase
{
    private const DOMAIN = 'php.test';
    private const ADA = 'ada@php.test';
    private const INFO = 'info@php.test';

    private Client $posthouse;

    protected function setUp(): void
    {
        [$url, $key] = [getenv('POSTHOUSE_URL'), getenv('POSTHOUSE_KEY')];
        self::assertTrue($url !== false && $key !== false, 'POSTHOUSE_URL and POSTHOUSE_KEY name the server');
        $this->posthouse = new Client($url, $key);
    }

    private static function assertRefused(string $kind, callable $operation): void
    {
        try {
            $operation();
            self::fail("it was done, not refused as $kind");
        } catch (ApiException $error) {
            self::assertSame("urn:posthouse:problem:$kind", Client::problem($error)?->getType());
        }
    }

    public function testACustomerComesWritesAndGoes(): void
    {
        $this->provision();
        $this->exchange();
        $this->posthouse->aliases->deleteAlias(self::INFO);
        $this->posthouse->users->deleteUser(self::ADA, purge: true);
        $this->posthouse->domains->deleteDomain(self::DOMAIN);
        self::assertRefused('not-found', fn () => $this->posthouse->domains->showDomain(self::DOMAIN));
    }

    private function provision(): void
    {
        $domain = new DomainCreate(['domain' => self::DOMAIN]);
        self::assertSame(self::DOMAIN, $this->posthouse->domains->createDomain($domain)->getDomain());
        self::assertRefused('exists', fn () => $this->posthouse->domains->createDomain($domain));
        $user = ['address' => self::ADA, 'password' => 'correct horse battery staple', 'display_name' => 'Ada'];
        $this->posthouse->users->createUser(new UserCreate($user));
        for ($time = 0; $time < 2; $time++) {
            $alias = $this->posthouse->aliases->putAlias(self::INFO, new AliasPut(['destinations' => [self::ADA]]));
            self::assertSame([self::ADA], $alias->getDestinations());
        }
        $users = [];
        foreach (Client::every(fn (?string $cursor) => $this->posthouse->users->listUsers(limit: 1, cursor: $cursor)) as $user) {
            $users[] = $user->getAddress();
        }
        self::assertGreaterThan(1, count($users));
        self::assertContains(self::ADA, $users);
    }

    private function exchange(): void
    {
        $messages = $this->posthouse->messages;
        $begun = gmdate('Y-m-d\TH:i:s\Z', time() - 1);
        $letter = new NewSubmission([
            'to' => [new NewPerson(['address' => self::INFO])],
            'subject' => 'Grüße',
            'text' => "Your code is 123456.\n",
            'attachments' => [new NewAttachment(['name' => 'data.bin', 'content' => base64_encode("\0\1\2\xff")])],
        ]);
        $this->posthouse->submissions->submitMessage(self::ADA, $letter);

        $found = $messages->waitForMessage(self::ADA, subject: 'Grüße', after: $begun, timeout: '30s');
        $message = $messages->showMessage(self::ADA, $found->getId());
        self::assertStringContainsString('123456', $message->getText());
        $attached = array_filter($message->getAttachments(), fn ($it) => $it->getName() === 'data.bin');
        $file = $messages->getAttachment(self::ADA, $found->getId(), current($attached)->getN());
        self::assertSame("\0\1\2\xff", $file->fread(100));

        $messages->deleteMessage(self::ADA, $found->getId());
        self::assertRefused('not-found', fn () => $messages->showMessage(self::ADA, $found->getId()));
    }
}
