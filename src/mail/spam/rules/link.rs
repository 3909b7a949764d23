//! Links: where they lead, and whether they say so.

use url::Host;

use super::brand::{is_cheap, is_free_page, is_shortener};
use super::{Facts, Found, Rule, rule, that, when};
use crate::mail::spam::facts::{Link, organisation};

pub(super) const RULES: &[Rule] = &[
    rule("PHISHING", 3.0, "The text of a link is a link to another place.", |it| {
        if is_tracked(it) {
            return None;
        }
        any(it, |link| {
            let claimed = link.claimed_host()?;
            let target = link.organisation();
            let is_own = it.is_author_proved() && target == it.author_organisation();
            let is_elsewhere = organisation(&claimed) != target && !is_own;
            is_elsewhere.then(|| format!("{claimed} leads to {}", link.host))
        })
    }),
    rule(
        "PHISHING_BY_TRACKER",
        0.5,
        "The text of a link is a link to another place, in a letter to many.",
        |it| {
            if !is_tracked(it) {
                return None;
            }
            any(it, |link| {
                let claimed = link.claimed_host()?;
                that(organisation(&claimed) != link.organisation(), &link.host)
            })
        },
    ),
    rule("URL_BARE_IP", 2.5, "A link leads to a bare address.", |it| {
        any(it, |link| match link.url.host()? {
            Host::Ipv4(address) => that(!address.is_private() && !address.is_loopback(), address.to_string()),
            Host::Ipv6(address) => that(!address.is_loopback(), address.to_string()),
            Host::Domain(_) => None,
        })
    }),
    rule(
        "URL_DISGUISED_IP",
        4.0,
        "A link leads to an address that is written to hide it.",
        |it| {
            any(it, |link| {
                let raw = link.raw_host().split(':').next().unwrap_or_default();
                let is_v4 = matches!(link.url.host(), Some(Host::Ipv4(_)));
                that(is_v4 && !raw.is_empty() && raw != link.host, raw)
            })
        },
    ),
    rule(
        "URL_USER",
        3.0,
        "A link has another name before the place that it leads to.",
        |it| {
            any(it, |link| {
                that(link.is_web() && !link.url.username().is_empty(), link.url.username())
            })
        },
    ),
    rule("URL_SHORTENER", 0.8, "Where a link leads is hidden by a short one.", |it| {
        any(it, |link| that(is_shortener(link.host.trim_start_matches("www.")), &link.host))
    }),
    rule("URL_PUNYCODE", 0.5, "A link leads to a name beyond ASCII.", |it| {
        any(it, |link| that(link.host.contains("xn--"), &link.host))
    }),
    rule("URL_ODD_PORT", 1.0, "A link leads to an unusual port.", |it| {
        any(it, |link| {
            let port = link.url.port()?;
            that(link.is_web() && ![80, 443, 8080, 8443].contains(&port), port.to_string())
        })
    }),
    rule(
        "URL_REDIRECTOR",
        1.5,
        "A link leads to another place by way of one that people trust.",
        |it| {
            any(it, |link| {
                let (host, path, query) = (link.host.as_str(), link.url.path(), link.url.query().unwrap_or_default());
                let is_known = (host.contains("google.") && path == "/url")
                    || (host.ends_with("youtube.com") && path == "/redirect")
                    || (host.ends_with("bing.com") && path == "/ck/a")
                    || (host.ends_with("facebook.com") && path == "/l.php")
                    || (host == "t.umblr.com")
                    || (host.ends_with("doubleclick.net") && query.contains("adurl="));
                that(is_known && query.contains("http"), host)
            })
        },
    ),
    rule("URL_DATA", 3.0, "A link carries its own page.", |it| {
        any(it, |link| when(link.url.scheme() == "data"))
    }),
    rule("URL_SCRIPT", 3.0, "A link runs a script.", |it| {
        any(it, |link| {
            when(matches!(link.url.scheme(), "javascript" | "vbscript") && link.url.path().len() > 12)
        })
    }),
    rule("URL_ENCODED_HOST", 3.0, "The name of a link's host is encoded to hide it.", |it| {
        any(it, |link| that(link.is_web() && link.raw_host().contains('%'), link.raw_host()))
    }),
    rule(
        "URL_BACKSLASH",
        2.0,
        "A link is written with strokes that lean the other way.",
        |it| {
            any(it, |link| {
                when(link.is_web() && link.raw.get(..12.min(link.raw.len())).is_some_and(|begin| begin.contains('\\')))
            })
        },
    ),
    rule("URL_MANY_LABELS", 1.0, "The name of a link's host has very many labels.", |it| {
        any(it, |link| that(link.host.split('.').count() > 6 && !link.is_address(), &link.host))
    }),
    rule(
        "URL_LONG_LABEL",
        1.0,
        "The name of a link's host has a very long label made by chance.",
        |it| {
            any(it, |link| {
                let label = link.organisation().split('.').next()?;
                that(label.len() > 25 && !label.contains("xn--"), &link.host)
            })
        },
    ),
    rule("URL_HAS_RECIPIENT", 1.0, "A link carries the recipient's address.", |it| {
        if is_tracked(it) {
            return None;
        }
        let recipients: Vec<String> = it.case.recipients.iter().map(|to| to.canonical()).collect();
        any(it, |link| {
            let raw = link.raw.to_lowercase();
            let is_in = |to: &String| raw.contains(to) || raw.contains(&to.replace('@', "%40"));
            when(link.is_web() && recipients.iter().any(is_in))
        })
    }),
    rule("URL_TO_PROGRAM", 2.5, "A link leads to a program or a disguised one.", |it| {
        any(it, |link| {
            let name = link.url.path().rsplit('/').next().unwrap_or_default().to_lowercase();
            let endings = [
                ".exe", ".scr", ".msi", ".bat", ".js", ".vbs", ".hta", ".iso", ".img", ".lnk", ".jar", ".apk", ".ps1",
            ];
            let is_script_of_page = name.ends_with(".js") && link.text.is_none();
            that(
                link.is_web() && !is_script_of_page && endings.iter().any(|ending| name.ends_with(ending)),
                name.clone(),
            )
        })
    }),
    rule(
        "URL_FREE_PAGE",
        1.0,
        "A link leads to a page of the kind that everybody can have within a minute.",
        |it| any(it, |link| that(link.is_web() && is_free_page(&link.host), &link.host)),
    ),
    rule("URL_IPFS", 2.0, "A link leads to a page that nobody can take down.", |it| {
        any(it, |link| {
            that(
                link.is_web() && (link.host.contains("ipfs") || link.url.path().starts_with("/ipfs/")),
                &link.host,
            )
        })
    }),
    rule(
        "URL_SUSPICIOUS_TLD",
        1.0,
        "A link leads to a domain with an ending that costs next to nothing.",
        |it| any(it, |link| that(link.is_web() && is_cheap(&link.host), &link.host)),
    ),
    rule(
        "URL_LOGIN_ELSEWHERE",
        0.5,
        "A link leads to a login at another place than the author's.",
        |it| {
            let author = it.author_organisation();
            if it.is_author_proved() {
                return None;
            }
            any(it, |link| {
                if !link.is_web() || link.organisation() == author {
                    return None;
                }
                let path = format!("{}?{}", link.url.path(), link.url.query().unwrap_or_default()).to_lowercase();
                let words = [
                    "login",
                    "signin",
                    "verify",
                    "webscr",
                    "wp-content",
                    "wp-includes",
                    "secure",
                    "account",
                    "confirm",
                    "banking",
                    "password",
                ];
                that(words.iter().any(|word| path.contains(word)), &link.host)
            })
        },
    ),
    rule(
        "URL_BROKEN_SITE",
        1.0,
        "A link leads into the inside of a web site, where a burglar leaves pages.",
        |it| {
            any(it, |link| {
                let path = link.url.path();
                let rooms = [
                    "/wp-content/",
                    "/wp-includes/",
                    "/wp-admin/",
                    "/cgi-bin/",
                    "/.well-known/",
                    "/plugins/",
                    "/tmp/",
                ];
                let is_page = [".php", ".html", ".htm"].iter().any(|ending| path.ends_with(ending));
                that(link.is_web() && is_page && rooms.iter().any(|room| path.contains(room)), &link.host)
            })
        },
    ),
    rule("URL_ONLY", 0.7, "It is a link and a few words.", |it| {
        let web = it.links.iter().filter(|link| link.is_web()).count();
        when(web == 1 && it.text.words < 12 && it.files().is_empty())
    }),
    rule(
        "URL_NUMBERED_DOMAINS",
        0.7,
        "Its links lead to domains that end with numbers.",
        |it| {
            any(it, |link| {
                let label = link.organisation().split('.').next()?;
                let digits = label.chars().rev().take_while(char::is_ascii_digit).count();
                that(!link.is_address() && digits >= 3 && digits < label.len(), &link.host)
            })
        },
    ),
    rule("URL_RANDOM_DOMAIN", 0.5, "A link leads to a domain made by chance.", |it| {
        any(it, |link| {
            let label = link.organisation().split('.').next()?;
            that(
                !link.is_address() && !label.contains("xn--") && super::name::is_random(label),
                &link.host,
            )
        })
    }),
    rule(
        "URL_HIDDEN_TEXT",
        0.7,
        "A link has neither text nor picture: only programs see it.",
        |it| {
            let empty = it
                .links
                .iter()
                .filter(|link| link.is_web() && !link.has_picture && link.text.as_deref().is_some_and(|text| text.trim().is_empty()));
            when(empty.count() > 4 && !it.is_author_proved())
        },
    ),
    rule("URL_TELEGRAM", 0.7, "A link leads to an anonymous chat.", |it| {
        any(it, |link| {
            that(
                matches!(link.host.as_str(), "t.me" | "wa.me" | "telegram.me" | "api.whatsapp.com"),
                &link.host,
            )
        })
    }),
    rule("URL_ONION", 2.0, "A link leads into a hidden net.", |it| {
        any(it, |link| that(link.host.ends_with(".onion"), &link.host))
    }),
];

/// The first link of which something is found.
fn any(facts: &Facts<'_>, asked: impl Fn(&Link) -> Found) -> Found {
    facts.links.iter().find_map(asked)
}

/// Whether it is a letter to many, in which links are counted on the way.
fn is_tracked(facts: &Facts<'_>) -> bool {
    (facts.has("List-Unsubscribe") || facts.is_list()) && facts.is_author_proved()
}
