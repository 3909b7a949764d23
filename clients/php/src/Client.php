<?php

declare(strict_types=1);

namespace Posthouse;

use GuzzleHttp\Client as Http;
use GuzzleHttp\Exception\ConnectException;
use GuzzleHttp\HandlerStack;
use GuzzleHttp\Middleware;
use GuzzleHttp\RequestOptions;
use Posthouse\Generated\Apis;
use Posthouse\Generated\ApiException;
use Posthouse\Generated\Configuration;
use Posthouse\Generated\Model\Login;
use Posthouse\Generated\Model\Problem;
use Psr\Http\Message\RequestInterface;
use Psr\Http\Message\ResponseInterface;

/**
 * A client of one server, let in by an API key (`phk_…`) or an access token. It has every operation by its group, such as
 * `$client->users->createUser(…)`; they and the models are generated from the API's document into `generated/`.
 */
final class Client extends Apis
{
    /** The methods that may be repeated (RFC 9110 §9.2.2). */
    private const IDEMPOTENT = ['GET', 'HEAD', 'PUT', 'DELETE'];

    /** The longest pause before a request is sent again, in seconds. */
    private const LONGEST_PAUSE = 60;

    /**
     * @param float               $timeout  for one request with its reply, in seconds
     * @param int                 $attempts how often a request is sent at most while the server asks to wait
     * @param array<string,mixed> $options  of Guzzle, such as `verify` with a file of certificates to trust
     */
    public function __construct(string $url, ?string $key = null, float $timeout = 90.0, int $attempts = 4, array $options = [])
    {
        $handler = $options['handler'] ?? HandlerStack::create();
        $handler->push(Middleware::retry(self::again($attempts), self::pause(...)));
        $http = new Http([
            'handler' => $handler,
            RequestOptions::TIMEOUT => $timeout,
            // The key is for this server alone.
            RequestOptions::ALLOW_REDIRECTS => false,
        ] + $options);
        $configuration = (new Configuration())
            ->setHost(rtrim($url, '/'))
            ->setUserAgent('posthouse-client-php/0.1.0');
        // The serializer looks here only.
        Configuration::getDefaultConfiguration()->setBooleanFormatForQueryString(Configuration::BOOLEAN_FORMAT_STRING);
        if ($key !== null) {
            $configuration->setAccessToken($key);
        }
        parent::__construct($http, $configuration);
    }

    /**
     * A client that logged in with a user's password. Its token holds for the time that the server gives it.
     *
     * @param array<string,mixed> $options of Guzzle
     */
    public static function withPassword(string $url, string $username, string $password, array $options = []): self
    {
        $tokens = (new self($url, options: $options))->auth->login(new Login(['username' => $username, 'password' => $password]));
        return new self($url, $tokens->getAccessToken(), options: $options);
    }

    /**
     * The items of a list that comes in pages, each of which is asked for when the one before it is used up:
     * `Client::every(fn ($cursor) => $client->users->listUsers(domain: 'example.org', cursor: $cursor))`.
     *
     * @param callable(?string): object $fetch
     */
    public static function every(callable $fetch): \Generator
    {
        $cursor = null;
        do {
            $page = $fetch($cursor);
            foreach ($page->getItems() as $item) {
                yield $item;
            }
            $cursor = $page->getNextCursor();
        } while ($cursor !== null);
    }

    /** What the server said of why it was not done (RFC 9457); null if something else answered. */
    public static function problem(ApiException $error): ?Problem
    {
        $document = json_decode((string) $error->getResponseBody(), true);
        return is_array($document) && isset($document['type'], $document['detail']) ? new Problem($document) : null;
    }

    /** Whether a request is sent again: where that does no harm and helps (RFC 9110 §9.2.2, RFC 6585 §4). */
    private static function again(int $attempts): callable
    {
        return static function (int $retries, RequestInterface $request, ?ResponseInterface $reply, ?\Throwable $error) use ($attempts): bool {
            $repeatable = in_array($request->getMethod(), self::IDEMPOTENT, true) || $request->hasHeader('Idempotency-Key');
            $status = $reply?->getStatusCode();
            $helps = $status === 429 || ($repeatable && ($status === 503 || $error instanceof ConnectException));
            return $helps && $retries + 1 < $attempts;
        };
    }

    /** What the server asks for (RFC 9110 §10.2.3); otherwise half a second, and twice as long each time. In milliseconds. */
    private static function pause(int $retries, ?ResponseInterface $reply): int
    {
        $asked = $reply?->getHeaderLine('Retry-After') ?? '';
        $seconds = ctype_digit($asked) ? (float) $asked : 0.5 * 2 ** ($retries - 1);
        return (int) (1000 * min($seconds, self::LONGEST_PAUSE));
    }
}
