//! The settings that test scripts change, by the names that Dovecot has for them in its versions 2.3 and 2.4.

use std::collections::HashMap;

use crate::wire::sieve::matching::translate;
use crate::wire::sieve::message::Message;
use crate::wire::sieve::settings::{Sender, Settings};

/// Names and values.
#[derive(Debug, Clone, Default)]
pub(super) struct Options(HashMap<String, String>);

impl Options {
    pub fn set(&mut self, name: String, value: String) {
        self.0.insert(name, value);
    }

    pub fn unset(&mut self, name: &str) {
        self.0.remove(name);
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The first of these names that has a value.
    fn any(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name)).filter(|value| !value.is_empty())
    }

    fn number<T: std::str::FromStr>(&self, names: &[&str], target: &mut T) {
        if let Some(number) = self.any(names).and_then(|value| value.trim().parse().ok()) {
            *target = number;
        }
    }

    fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("yes"))
    }

    /// These settings over those.
    pub fn over(&self, base: &Settings) -> Settings {
        let mut settings = base.clone();
        settings.user_address = self.any(&["sieve_user_email"]).map(str::to_owned);
        if let Some(delimiters) = self.get("recipient_delimiter") {
            settings.recipient_delimiters = delimiters.to_owned();
        }
        self.number(&["sieve_max_actions"], &mut settings.most_actions);
        self.number(&["sieve_max_redirects"], &mut settings.most_redirects);
        let size = ["sieve_variables_max_variable_size", "sieve_variables_max_value_size"];
        self.number(&size, &mut settings.most_variable_size);
        self.number(&["sieve_include_max_includes"], &mut settings.most_includes);
        self.number(&["sieve_include_max_nesting_depth"], &mut settings.most_include_depth);
        self.number(&["sieve_notify_max_notifications"], &mut settings.notify.most);
        self.number(&["sieve_editheader_max_header_size"], &mut settings.editheader.most_size);
        settings.redirect_sender = self.any(&["sieve_redirect_envelope_from"]).map_or(Sender::Sender, sender);
        settings.notify.sender = self.any(&["sieve_notify_mailto_envelope_from"]).map(sender);
        self.editheader(&mut settings);
        self.vacation(&mut settings);
        settings
    }

    fn editheader(&self, settings: &mut Settings) {
        let words = |name: &str| {
            self.get(name)
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_ascii_lowercase)
                .collect::<Vec<_>>()
        };
        let (mut add, mut delete) = (words("sieve_editheader_forbid_add"), words("sieve_editheader_forbid_delete"));
        add.extend(words("sieve_editheader_protected"));
        delete.extend(words("sieve_editheader_protected"));
        for name in self.get("sieve_editheader_header").unwrap_or_default().split_whitespace() {
            for (list, what) in [(&mut add, "forbid_add"), (&mut delete, "forbid_delete")] {
                if self.is_on(&format!("sieve_editheader_header/{name}/{what}")) {
                    list.push(name.to_ascii_lowercase());
                }
            }
        }
        // RFC 5293 §6: the subject is what scripts change most.
        add.retain(|name| name != "subject");
        delete.retain(|name| name != "subject");
        (settings.editheader.forbid_add, settings.editheader.forbid_delete) = (add, delete);
    }

    fn vacation(&self, settings: &mut Settings) {
        let vacation = &mut settings.vacation;
        let text = |name: &str| self.get(name).unwrap_or_default().to_owned();
        vacation.default_subject = text("sieve_vacation_default_subject");
        vacation.subject_template = text("sieve_vacation_default_subject_template");
        self.number(&["sieve_vacation_max_subject_codepoints"], &mut vacation.most_subject);
        for (name, target) in [
            ("sieve_vacation_min_period", &mut vacation.least_seconds),
            ("sieve_vacation_max_period", &mut vacation.most_seconds),
            ("sieve_vacation_default_period", &mut vacation.default_seconds),
        ] {
            if let Some(period) = self.get(name).and_then(seconds) {
                *target = period;
            }
        }
        let is_off = self.get("sieve_vacation_check_recipient").is_some_and(|value| value == "no");
        vacation.check_recipient = !is_off && !self.is_on("sieve_vacation_dont_check_recipient");
        vacation.use_original_recipient = self.is_on("sieve_vacation_use_original_recipient");
        vacation.to_ignores_envelope = self.is_on("sieve_vacation_to_header_ignore_envelope");
        vacation.send_from_recipient = self.is_on("sieve_vacation_send_from_recipient");
    }

    /// The score that a header of the message tells, 0 to 1; `steps` is how many there are in words (RFC 5235).
    pub fn score(&self, kind: &str, steps: u8, message: &Message) -> Option<f64> {
        let key = |name: &str| format!("sieve_{kind}_{name}");
        let text = found(self.get(&key("status_header"))?, message)?;
        let status = self.get(&key("status_type")).unwrap_or("score");
        if status == "text" {
            let is_value = |number: &u8| {
                let names = [key(&format!("text_value/{number}")), key(&format!("text_value{number}"))];
                self.any(&[&names[0], &names[1]]) == Some(text.as_str())
            };
            let number = (1..=steps).find(is_value)?;
            return Some(f64::from(number.saturating_sub(1)) / f64::from(steps.saturating_sub(1)));
        }
        let from_header = self
            .any(&[&key("score_max_header"), &key("max_header")])
            .and_then(|header| found(header, message));
        let most = from_header.or_else(|| self.any(&[&key("score_max_value"), &key("max_value")]).map(str::to_owned))?;
        let most: f64 = most.trim().parse().ok().filter(|most| *most > 0.0)?;
        let score = match status {
            "strlen" => f64::from(u32::try_from(text.chars().count()).unwrap_or(u32::MAX)),
            _ => text.trim().parse().ok()?,
        };
        Some((score / most).clamp(0.0, 1.0))
    }
}

/// What `Name` or `Name: expression` finds in the header: the value, or the first group of the expression.
fn found(header: &str, message: &Message) -> Option<String> {
    let (name, expression) = header.split_once(':').unwrap_or((header, ""));
    let values = message.values(name.trim());
    let value = values.first()?;
    if expression.trim().is_empty() {
        return Some(value.clone());
    }
    let regex = regex::Regex::new(&translate(expression.trim_start()).ok()?).ok()?;
    let captures = regex.captures(value)?;
    captures.get(1).or_else(|| captures.get(0)).map(|group| group.as_str().to_owned())
}

fn sender(value: &str) -> Sender {
    match value.trim() {
        "recipient" => Sender::Recipient,
        "orig_recipient" => Sender::OriginalRecipient,
        "user_email" => Sender::User,
        "postmaster" => Sender::Postmaster,
        "sender" => Sender::Sender,
        address => Sender::Explicit(address.trim_matches(['<', '>']).to_owned()),
    }
}

/// A time such as `1s`, `2d`.
fn seconds(value: &str) -> Option<u64> {
    let value = value.trim();
    let digits = value.trim_end_matches(|char: char| char.is_ascii_alphabetic());
    let unit = match value.get(digits.len()..)? {
        "" | "s" | "secs" => 1,
        "m" | "mins" => 60,
        "h" | "hours" => 3600,
        "d" | "days" => 86_400,
        "w" | "weeks" => 604_800,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}
