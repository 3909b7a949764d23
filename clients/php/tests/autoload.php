<?php

declare(strict_types=1);

// Composer's, or with Debian's packages our own.
if (is_file(__DIR__ . '/../vendor/autoload.php')) {
    require __DIR__ . '/../vendor/autoload.php';
} else {
    require_once 'GuzzleHttp/autoload.php';
    spl_autoload_register(static function (string $class): void {
        foreach (['Posthouse\\Generated\\' => 'generated/', 'Posthouse\\' => 'src/'] as $prefix => $folder) {
            if (str_starts_with($class, $prefix)) {
                $file = __DIR__ . "/../$folder" . str_replace('\\', '/', substr($class, strlen($prefix))) . '.php';
                if (is_file($file)) {
                    require $file;
                }
                return;
            }
        }
    });
}
