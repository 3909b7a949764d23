//! Known answers, made by `doveadm pw` of Dovecot and by Python's passlib and hashlib.

use super::*;

const PASSWORD: &str = "Grüße, Welt";

const KNOWN: &[&str] = &[
    // doveadm pw -s SCHEME
    "{BLF-CRYPT}$2y$05$G3V5IEjt1oI5d9qvIbb6FOLYqk3RSdV/b9yWueiyrMAoN5O48ssYO",
    "{SHA512-CRYPT}$6$rounds=1000$TJCBgwTi.uG0T/wc$rE18Wq3jo7.93kVRksFFRno.9b2d.sBmFfyT8zeXT9o54pQbmtha1hf5pkDzaq8WPafbz9WHyBfIdHPF4S4cD0",
    "{SHA512-CRYPT}$6$kwDkDF58.kFH7jKC$yLxn9S4axTjp3S4iYdb3/VvOQdeX4oeFMUZM/EGNBMM04wuQZfY5vZdpnzJ/.oM1CKpTz8cO6BLYRoBEl1qtM1",
    "{SHA256-CRYPT}$5$rounds=1000$pRb1flI1h1H6Hk5f$w42dQjd6DulvUijxcB34VzFmPHyy4oaRoL0C8XTvCD7",
    "{SHA256-CRYPT}$5$AF6yosMDyQrXP6Zv$oBYLuxSIluJlN3D9rry2c4mm2/F9Asff3L/oOvFQOl/",
    "{SSHA256}tSNB3CzxTfylvsakr35aJFH84NSfGZEgYbYD/1ZU4XD6fq+V",
    "{SSHA512}DU+pOTZxc1sIPm20v9YD4ojTB3IeP3PR8Nv9tkLWCRci7iYmSkmfzMsayzILIt33SgHJgflFy3H0iTIEIepZx8vyb0g=",
    "{SSHA256.HEX}870c9b5e5aa449b66f7227320761aa416429a3c7a77561e598df3e8bd8f4fea6062e0416",
    "{SSHA512.B64}DsCy76ZZowaBjfPMjbqNnQ9D/oP8xzTJXtSvi4vn2FBbdRRQoTZle1D/vsD07sgaf5cDuK1QP+hUjBzZAZc58BsBfYg=",
    "{SSHA512.hex}7e29659237426508472f56815d90f2c2763df78c3f9090780c1007738bcba2c0bf8d24ae0d1283618fb97b1ccbb317ff0a1a5f46c2f46251308e11d95956725ed06d9033",
    "{SHA}S8i5+znM1A6RcclEscpASQvbqBQ=",
    "{SHA1}S8i5+znM1A6RcclEscpASQvbqBQ=",
    "{SSHA}CEoi+BBaGWFHh+hQz79Ch8IZ26C6dGjN",
    "{SSHA.HEX}8193e07abddb285446882bb83dd93c5cbafd4421cbdb5b88",
    "{SMD5}USvaS8ZyPw/YCldKEd7Ed1+p93Q=",
    "{PLAIN-MD5}8184404bfe2fa2653b3dfdece419c32a",
    "{LDAP-MD5}gYRAS/4vomU7Pf3s5BnDKg==",
    "{SHA256}ReZKdTOykpN/EpNPdzHkZHBfxkUsGgwjNmwhv5h7FdQ=",
    "{SHA512}qlkAkecyu9kcxCBzhNhDy3hiVBiKPh22hP/XS8VV694tSCee6rys/tJ/oIawvIaE5Tva6eR5EPDdrLmQFPgkAg==",
    "{MD5}$1$GITKPpLj$l9Gri0h.6UELCCfOWLCfG1",
    "{MD5-CRYPT}$1$eZ63B0qi$RML2F51CfjumCqgV/CjIa1",
    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$aSGHUshy9/LYH8A2yB7zIw$CnCwtk5t6gqB4KjzLiQaIQZ1C7s+8BdZvYbgZJb4JIA",
    "{ARGON2I}$argon2i$v=19$m=32768,t=5,p=1$sRKa/C5cETRTGkLKaSQSRw$K09T+GJgvL0KOa8Mq6VubxwY0FEKemRwsQ8rQVl8HA8",
    "{PBKDF2}$1$QzSUVUGgGw/pnKOk$5$e2bd75264888106eabcd1ad7245ac491e03f31d3",
    "{PBKDF2}$1$ZJwzwvZIWs17y/QG$5000$4f747abe6c72418e1efed4e96fb1147f94a841fa",
    // hashlib, in the forms of Dovecot and of RFC 5803
    "{SCRAM-SHA-256}4096,c2FsdHkgc2FsdCAxNiBvYw==,P9CdkOXbORyS5G1ECbcoCs16AkWfuUtBOfmA65LTWRA=,rZDrEI/0fvKy/eqBQJsjOQm3TkIHTWf24iu8VUHAG6g=",
    "SCRAM-SHA-256$5000:YW5vdGhlciBzYWx0$6zPBVDr5N6T5CNL33mWUQz62DFrmGAgKdAAQZCd+RW0=:VsMmfhIXhyDfcDLthX5qJNtkJV7xli8pr+Ai8x7lNV8=",
    // passlib
    "$6$rjOrsDbwJC1AHhiW$mDMlhUJNx8V3k3YUxYS0uw7NdmKRGzZ69.6w40xHBnvbhEkui9btx3UEsHtJ9XdBxS.R6OLA8dkSSoOC07c671",
    "{CRYPT}$5$rounds=7000$short$vLbPvRR1em5hOPfEwB73M5.4F7nW8P3VQIOAdC4Lke/",
    "$1$QIFGxiSs$7KeDJkz2e519zqdjAVqbf/",
    "{crypt}$2y$05$G3V5IEjt1oI5d9qvIbb6FOLYqk3RSdV/b9yWueiyrMAoN5O48ssYO",
    // hashlib
    "{SSHA256}jF3tvJL54JiEcK/QKCmXZO2rFCxEqC8bQWBhgMRiD/pzYWx0c2FsdA==",
    "{ssha512.hex}9321ee3f3adaaeffde386d3a58df4cfe9200c93bb22a7e276708066149d5955f12b4a8c38e47123ec66f70dff0e64ea5a475f9f625f62e589ad259acd3d14cd473616c7473616c74",
];

#[test]
fn hashes_of_other_programs_are_checked() {
    for stored in KNOWN {
        let hash = Hash::parse(stored).unwrap_or_else(|| panic!("{stored} is not read"));
        assert!(hash.matches(PASSWORD), "{stored}");
        assert!(!hash.matches("Grüße, welt"), "{stored}");
        assert!(!hash.matches(""), "{stored}");
        assert_eq!(hash.is_outdated(), !stored.starts_with("{ARGON2ID}"), "{stored}");
    }
}

#[test]
fn our_own_hashes_are_checked() {
    let stored = hash(PASSWORD).unwrap();
    assert!(stored.starts_with("{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    let parsed = Hash::parse(&stored).unwrap();
    assert!(parsed.matches(PASSWORD));
    assert!(!parsed.matches("another"));
    assert!(!parsed.is_outdated());
    let bare = stored.trim_start_matches("{ARGON2ID}");
    assert!(Hash::parse(bare).unwrap().matches(PASSWORD));
    assert!(
        Hash::parse("$argon2id$v=19$m=4096,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
            .unwrap()
            .is_outdated()
    );
}

#[test]
fn our_own_scram_keys_are_checked() {
    let made = scram::make(PASSWORD, 4_096).unwrap();
    assert!(made.len() < 255 && made.starts_with("4096,"), "{made}");
    let stored = format!("{{SCRAM-SHA-256}}{made}");
    let hash = Hash::parse(&stored).unwrap();
    assert!(hash.matches(PASSWORD) && !hash.matches("another"));
    // RFC 4013 §2.1, §2.3: a soft hyphen is nothing, a control character cannot be typed.
    assert!(hash.matches("Grü\u{ad}ße, Welt"));
    assert_eq!(scram::make("tab\there", 4_096), None);
    assert!(!scram::has_keys("tab\there"));
}

#[test]
fn what_is_no_hash_or_costs_too_much_is_refused() {
    for stored in [
        "",
        "plain",
        "{PLAIN}secret",
        "{SSHA256}",
        "{SSHA256}AAAA",
        "{SSHA256.ROT13}tSNB3CzxTfylvsakr35aJFH84NSfGZEgYbYD/1ZU4XD6fq+V",
        "{SSHA512.HEX}zz",
        "{SHA}CEoi+BBaGWFHh+hQz79Ch8IZ26C6dGjN",
        "{PLAIN-MD5}nonsense",
        "{CRAM-MD5}9186d855e11eba527a7a52ca82b313e180d62234f0acc9051b527243d41e2740",
        "{PBKDF2}$1$salt$0$e2bd75264888106eabcd1ad7245ac491e03f31d3",
        "{PBKDF2}$1$salt$4000000000$e2bd75264888106eabcd1ad7245ac491e03f31d3",
        "{PBKDF2}$1$salt$5",
        "$2y$31$G3V5IEjt1oI5d9qvIbb6FOLYqk3RSdV/b9yWueiyrMAoN5O48ssYO",
        "$2y$05$short",
        "$6$rounds=999999999$x$y",
        "$6$",
        "$1$salt",
        "$argon2id$v=19$m=4194304,t=9,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=19456,t=2,p=1$x",
        "{ARGON2ID}",
        "$7$x",
        "{SCRAM-SHA-256}100,c2FsdHkgc2FsdCAxNiBvYw==,P9CdkOXbORyS5G1ECbcoCs16AkWfuUtBOfmA65LTWRA=,rZDrEI/0fvKy/eqBQJsjOQm3TkIHTWf24iu8VUHAG6g=",
        "{SCRAM-SHA-256}4000000000,c2FsdHkgc2FsdCAxNiBvYw==,P9CdkOXbORyS5G1ECbcoCs16AkWfuUtBOfmA65LTWRA=,rZDrEI/0fvKy/eqBQJsjOQm3TkIHTWf24iu8VUHAG6g=",
        "{SCRAM-SHA-256}4096,c2FsdHkgc2FsdCAxNiBvYw==,AAAA,rZDrEI/0fvKy/eqBQJsjOQm3TkIHTWf24iu8VUHAG6g=",
        "{SCRAM-SHA-256}4096,c2FsdHkgc2FsdCAxNiBvYw==,P9CdkOXbORyS5G1ECbcoCs16AkWfuUtBOfmA65LTWRA=,rZDrEI/0fvKy/eqBQJsjOQm3TkIHTWf24iu8VUHAG6g=,x",
        "SCRAM-SHA-256$4096:c2FsdHkgc2FsdCAxNiBvYw==$P9CdkOXbORyS5G1ECbcoCs16AkWfuUtBOfmA65LTWRA=",
    ] {
        assert_eq!(Hash::parse(stored), None, "{stored}");
    }
}
