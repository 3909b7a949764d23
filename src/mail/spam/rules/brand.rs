//! Names that are forged again and again, and where mailboxes and pages are free.

use std::sync::LazyLock;

use crate::mail::spam::facts::look_alike;

/// A name that people trust.
pub(super) struct Brand {
    /// The name as it stands in domains.
    pub name: &'static str,
    /// What the domain of its mail has in it, besides the name.
    pub also: &'static [&'static str],
    /// Whether it is also a word of other meaning, or part of such.
    pub is_word: bool,
}

const fn brand(name: &'static str, also: &'static [&'static str]) -> Brand {
    Brand {
        name,
        also,
        is_word: false,
    }
}

const fn word(name: &'static str, also: &'static [&'static str]) -> Brand {
    Brand { name, also, is_word: true }
}

pub(super) const BRANDS: &[Brand] = &[
    brand("paypal", &[]),
    brand("amazon", &["awsapps", "aws"]),
    brand("microsoft", &["office", "outlook", "azure", "live.com", "sharepoint"]),
    brand("office365", &["microsoft"]),
    word("apple", &["icloud", "itunes"]),
    brand("icloud", &["apple"]),
    brand("netflix", &[]),
    brand("facebook", &["meta.com"]),
    brand("instagram", &["facebook", "meta.com"]),
    brand("whatsapp", &["facebook", "meta.com"]),
    brand("linkedin", &[]),
    brand("google", &["youtube", "gmail"]),
    brand("dropbox", &[]),
    brand("docusign", &[]),
    brand("adobe", &[]),
    word("ebay", &[]),
    brand("coinbase", &[]),
    brand("binance", &[]),
    brand("metamask", &[]),
    brand("wellsfargo", &["wf.com"]),
    brand("bankofamerica", &["bofa"]),
    brand("citibank", &["citi"]),
    brand("barclays", &[]),
    brand("santander", &[]),
    brand("sparkasse", &[]),
    brand("volksbank", &["vr.de"]),
    brand("commerzbank", &[]),
    brand("deutschebank", &["db.com"]),
    brand("postbank", &[]),
    brand("telekom", &["t-online"]),
    brand("vodafone", &[]),
    brand("revolut", &[]),
    brand("spotify", &[]),
    brand("fedex", &[]),
    brand("hermes", &[]),
    word("norton", &["nortonlifelock", "gendigital"]),
    brand("mcafee", &[]),
    brand("geeksquad", &["bestbuy"]),
    brand("walmart", &[]),
    brand("costco", &[]),
    brand("blockchain", &[]),
    brand("zelle", &[]),
    brand("venmo", &[]),
    brand("americanexpress", &["aexp", "amex"]),
    brand("mastercard", &[]),
    brand("creditagricole", &["credit-agricole"]),
    brand("postfinance", &[]),
    brand("correos", &[]),
    brand("chronopost", &[]),
    brand("swisscom", &[]),
];

impl Brand {
    /// Whether a domain is its own.
    pub(super) fn owns(&self, organisation: &str) -> bool {
        let label = organisation.split('.').next().unwrap_or_default();
        let is_name = label == self.name || label.replace('-', "") == self.name;
        is_name || self.also.iter().any(|also| organisation.contains(also)) || self.is_country_site(label)
    }

    /// Such as `amazonses` or `googlegroups`: sites that the brands have themselves are made of the name and a word.
    fn is_country_site(&self, label: &str) -> bool {
        let known = [
            "mail",
            "ses",
            "groups",
            "mails",
            "online",
            "usercontent",
            "apis",
            "email",
            "corp",
            "inc",
            "pay",
            "aws",
        ];
        label.strip_prefix(self.name).is_some_and(|rest| known.contains(&rest))
    }
}

/// What each looks like, in their order.
pub(super) fn shapes() -> &'static [(String, &'static Brand)] {
    static SHAPES: LazyLock<Vec<(String, &'static Brand)>> =
        LazyLock::new(|| BRANDS.iter().map(|brand| (look_alike(brand.name), brand)).collect());
    &SHAPES
}

/// Where everybody has a mailbox.
const FREEMAIL: &[&str] = &[
    "126.com",
    "163.com",
    "aol.com",
    "att.net",
    "bk.ru",
    "comcast.net",
    "email.com",
    "foxmail.com",
    "free.fr",
    "freenet.de",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.de",
    "hotmail.fr",
    "icloud.com",
    "inbox.ru",
    "laposte.net",
    "libero.it",
    "list.ru",
    "live.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "orange.fr",
    "outlook.com",
    "outlook.de",
    "outlook.fr",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "rambler.ru",
    "rediffmail.com",
    "seznam.cz",
    "sina.com",
    "t-online.de",
    "tutanota.com",
    "ukr.net",
    "wanadoo.fr",
    "web.de",
    "wp.pl",
    "yahoo.co.jp",
    "yahoo.co.uk",
    "yahoo.com",
    "yahoo.de",
    "yahoo.fr",
    "yandex.com",
    "yandex.ru",
    "ymail.com",
    "zoho.com",
    "zohomail.com",
];

/// Whether mailboxes of this domain are free.
pub(super) fn is_freemail(domain: &str) -> bool {
    FREEMAIL.binary_search(&domain).is_ok()
}

/// Where long links are made short.
const SHORTENERS: &[&str] = &[
    "adf.ly",
    "bit.do",
    "bit.ly",
    "bl.ink",
    "buff.ly",
    "cutt.ly",
    "goo.gl",
    "is.gd",
    "lnkd.in",
    "ow.ly",
    "rb.gy",
    "rebrand.ly",
    "s.id",
    "shorturl.at",
    "t.ly",
    "t2m.io",
    "tiny.cc",
    "tinyurl.com",
    "tr.im",
    "u.to",
    "v.gd",
    "x.co",
];

/// Whether links of this host hide where they lead.
pub(super) fn is_shortener(host: &str) -> bool {
    SHORTENERS.binary_search(&host).is_ok()
}

/// Where everybody can have a page within a minute; ends of names of hosts.
const FREE_PAGES: &[&str] = &[
    ".000webhostapp.com",
    ".azurewebsites.net",
    ".backblazeb2.com",
    ".blogspot.com",
    ".carrd.co",
    ".cloudfront.net",
    ".duckdns.org",
    ".firebaseapp.com",
    ".framer.website",
    ".github.io",
    ".glitch.me",
    ".godaddysites.com",
    ".herokuapp.com",
    ".linodeobjects.com",
    ".netlify.app",
    ".ngrok.io",
    ".onrender.com",
    ".pages.dev",
    ".r2.dev",
    ".repl.co",
    ".square.site",
    ".sytes.net",
    ".vercel.app",
    ".web.app",
    ".web.core.windows.net",
    ".weebly.com",
    ".weeblysite.com",
    ".wixsite.com",
    ".wordpress.com",
    ".workers.dev",
    ".zapto.org",
];

/// Whether the page of this host may be anybody's.
pub(super) fn is_free_page(host: &str) -> bool {
    FREE_PAGES.iter().any(|end| host.ends_with(end))
}

/// Endings that cost next to nothing, and are used for little else.
const CHEAP: &[&str] = &[
    "autos", "bar", "beauty", "best", "bid", "buzz", "cam", "cf", "cfd", "click", "country", "cyou", "date", "download", "faith", "fit",
    "ga", "gdn", "gq", "hair", "icu", "kim", "lat", "link", "loan", "men", "ml", "mom", "monster", "party", "pics", "pw", "quest",
    "racing", "rest", "review", "sbs", "science", "stream", "surf", "tk", "top", "trade", "uno", "vip", "wang", "webcam", "win", "work",
    "xin", "xyz", "zip",
];

/// Whether the name has such an ending.
pub(super) fn is_cheap(domain: &str) -> bool {
    let ending = domain.rsplit('.').next().unwrap_or_default();
    CHEAP.binary_search(&ending).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        for list in [FREEMAIL, SHORTENERS, CHEAP] {
            assert!(list.is_sorted(), "{list:?}");
        }
        assert!(is_freemail("gmail.com") && is_cheap("a.xyz") && is_shortener("bit.ly"));
    }

    #[test]
    fn brands_know_their_own() {
        let paypal = BRANDS.iter().find(|brand| brand.name == "paypal").unwrap();
        assert!(paypal.owns("paypal.com") && paypal.owns("paypal.de"));
        assert!(!paypal.owns("paypal-secure.com") && !paypal.owns("example.com"));
        let amazon = BRANDS.iter().find(|brand| brand.name == "amazon").unwrap();
        assert!(amazon.owns("amazonses.com") && !amazon.owns("amazon-refund.com"));
    }
}
