<?php

declare(strict_types=1);

namespace Posthouse\Tests;

use GuzzleHttp\Handler\MockHandler;
use GuzzleHttp\HandlerStack;
use GuzzleHttp\Middleware;
use GuzzleHttp\Psr7\Response;
use PHPUnit\Framework\TestCase;
use Posthouse\Client;
use Posthouse\Generated\ApiException;
use Posthouse\Generated\Model\DomainCreate;

/** What is written by hand, against a server that says what it is told to. */
final class ClientTest extends TestCase
{
    private const DOMAIN = '{"domain":"example.org","enabled":true,"description":"","metadata":{},"tags":[],'
        . '"created_at":"2026-11-23T20:19:30.125Z","updated_at":"2026-11-23T20:19:30.125Z"}';
    private const LATER = '{"type":"urn:posthouse:problem:try-later","title":"Not possible at this moment","status":503,"detail":"try again later"}';

    /** @var list<string> */
    private array $requests = [];

    private function serve(Response ...$replies): Client
    {
        $handler = new HandlerStack(new MockHandler($replies));
        $handler->push(Middleware::httpErrors());
        $client = new Client('http://127.0.0.1/', 'phk_test', options: ['handler' => $handler]);
        // Innermost: it sees every attempt.
        $handler->push(Middleware::tap(function ($request): void {
            $this->requests[] = "{$request->getMethod()} {$request->getRequestTarget()} {$request->getHeaderLine('Authorization')}";
        }));
        return $client;
    }

    private static function reply(int $status, string $body): Response
    {
        $kind = $status < 400 ? 'application/json' : 'application/problem+json';
        return new Response($status, ['Content-Type' => $kind, 'Retry-After' => '0'], $body);
    }

    public function testWhatDoesNoHarmIsSentAgain(): void
    {
        $client = $this->serve(self::reply(503, self::LATER), self::reply(429, self::LATER), self::reply(200, self::DOMAIN));
        self::assertSame('example.org', $client->domains->showDomain('example.org')->getDomain());
        self::assertSame(array_fill(0, 3, 'GET /api/v1/domains/example.org Bearer phk_test'), $this->requests);
    }

    public function testWhatMayHaveBeenDoneIsNot(): void
    {
        $client = $this->serve(self::reply(503, self::LATER));
        try {
            $client->domains->createDomain(new DomainCreate(['domain' => 'example.org']));
            self::fail('it was done');
        } catch (ApiException $error) {
            self::assertSame('urn:posthouse:problem:try-later', Client::problem($error)?->getType());
        }
        self::assertCount(1, $this->requests);
    }

    public function testItGivesUp(): void
    {
        $client = $this->serve(...array_fill(0, 4, self::reply(503, self::LATER)));
        $this->expectException(ApiException::class);
        try {
            $client->domains->showDomain('example.org');
        } finally {
            self::assertCount(4, $this->requests);
        }
    }

    public function testPagesAreAskedForAsTheyAreUsed(): void
    {
        $first = '{"items":[' . self::DOMAIN . '],"next_cursor":"a=b"}';
        $client = $this->serve(self::reply(200, $first), self::reply(200, '{"items":[' . self::DOMAIN . ']}'));
        $items = Client::every(fn (?string $cursor) => $client->domains->listDomains(limit: 1, cursor: $cursor));
        self::assertSame('example.org', $items->current()->getDomain());
        self::assertCount(1, $this->requests);
        $items->next();
        self::assertSame('example.org', $items->current()->getDomain());
        self::assertSame('GET /api/v1/domains?limit=1&cursor=a%3Db Bearer phk_test', $this->requests[1]);
        $items->next();
        self::assertFalse($items->valid());
    }
}
