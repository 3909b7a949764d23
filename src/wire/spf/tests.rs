//! Known answers; those of the whole suite of RFC 7208 are with the questions, in `mail::checks::spf`.

use super::*;

const FACTS: Facts<'_> = Facts {
    local: "strong-bad",
    sender_domain: "email.example.com",
    domain: "email.example.com",
    peer: std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 3)),
    peer_name: "mx.example.org",
    helo: "client.example.org",
    receiver: "house.test",
    now: 1_000,
};

/// RFC 7208 §7.4.
#[test]
fn macros_are_expanded_as_in_the_examples() {
    let v6 = Facts {
        peer: "2001:db8::cb01".parse().unwrap(),
        ..FACTS
    };
    for (facts, text, expected) in [
        (FACTS, "%{s}", "strong-bad@email.example.com"),
        (FACTS, "%{o}", "email.example.com"),
        (FACTS, "%{d}", "email.example.com"),
        (FACTS, "%{d4}", "email.example.com"),
        (FACTS, "%{d3}", "email.example.com"),
        (FACTS, "%{d2}", "example.com"),
        (FACTS, "%{d1}", "com"),
        (FACTS, "%{dr}", "com.example.email"),
        (FACTS, "%{d2r}", "example.email"),
        (FACTS, "%{l}", "strong-bad"),
        (FACTS, "%{l-}", "strong.bad"),
        (FACTS, "%{lr}", "strong-bad"),
        (FACTS, "%{lr-}", "bad.strong"),
        (FACTS, "%{l1r-}", "strong"),
        (FACTS, "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        (FACTS, "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        (
            FACTS,
            "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
            "bad.strong.lp.3.2.0.192.in-addr._spf.example.com",
        ),
        (
            FACTS,
            "%{d2}.trusted-domains.example.net",
            "example.com.trusted-domains.example.net",
        ),
        (
            v6,
            "%{ir}.%{v}._spf.%{d2}",
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com",
        ),
        (FACTS, "%%.%{S}", "%.strong-bad%40email.example.com"),
    ] {
        let parsed = Text::parse(text, Usage::Name).expect(text);
        assert_eq!(parsed.name(&facts), expected, "{text}");
    }
    let shown = Text::explanation(b"%{c} is %{i}%_at %{t} to %{r}").unwrap();
    assert_eq!(shown.text(&FACTS), "192.0.2.3 is 192.0.2.3 at 1000 to house.test");
}

#[test]
fn texts_are_bounded() {
    let long = "a".repeat(60);
    let facts = Facts { helo: &long, ..FACTS };
    let name = Text::parse(&format!("{}example.com", "%{h}.".repeat(20)), Usage::Name).unwrap();
    assert_eq!(name.name(&facts), format!("{long}.{long}.{long}.example.com"));
    let text = Text::explanation("%{h}".repeat(1_000).as_bytes()).unwrap();
    assert_eq!(text.text(&facts).len(), 4_096);
}

#[test]
fn a_record_is_read() {
    let record =
        Record::parse(b"v=spf1  A:x.test/24//64 -MX/8 ?ip4:192.0.2.0/25 ~ip6:2001:db8::/32 ptr:%{d} x=y exp=e.test redirect=r.test ")
            .unwrap();
    let name = |text| Text::parse(text, Usage::Name);
    let expected = [
        (
            Outcome::Pass,
            Mechanism::A(Hosts {
                name: name("x.test"),
                prefix4: 24,
                prefix6: 64,
            }),
        ),
        (
            Outcome::Fail,
            Mechanism::Mx(Hosts {
                name: None,
                prefix4: 8,
                prefix6: 128,
            }),
        ),
        (Outcome::Neutral, Mechanism::Ip4(Ipv4Addr::new(192, 0, 2, 0), 25)),
        (Outcome::SoftFail, Mechanism::Ip6("2001:db8::".parse().unwrap(), 32)),
    ];
    for (directive, (outcome, mechanism)) in record.directives.iter().zip(expected) {
        assert_eq!((directive.outcome, &directive.mechanism), (outcome, &mechanism));
    }
    assert_eq!((record.redirect, record.explanation), (name("r.test"), name("e.test")));
}

#[test]
fn what_is_no_record_is_none() {
    for (text, is) in [
        ("v=spf1", true),
        ("V=SPF1 -all", true),
        ("v=spf10", false),
        ("v=spf1-all", false),
        ("", false),
    ] {
        assert_eq!(is_record(text.as_bytes()), is, "{text}");
    }
    for term in [
        "all:",
        "all=x y",
        "include",
        "include:",
        "include:x",
        "a:",
        "a/33",
        "a/024",
        "a//129",
        "a/",
        "ip4:1.2.3",
        "ip4:1.2.3.4/",
        "ip6:1.2.3.4",
        "exists",
        "ptr:",
        "-",
        "foo",
        "a:x.1",
        "a:%{x}.y",
        "a:%{d}.",
        "a:%{d0}.y",
        "a:%a.y",
        "exp=",
        "exp=a.b exp=a.b",
        "1=x",
        "redirect:a.b",
        "a:x.y\t",
        "a:\u{e9}.y",
        "a:x.-y",
    ] {
        let text = format!("v=spf1 {term} -all");
        assert!(Record::parse(text.as_bytes()).is_err(), "{text}");
    }
}
