//! What a JSON object may hold: its members by name and the kind of each. A body is checked against such a table
//! before anything is made of it, and a member that is not in the table is refused (Auth0), so that a misspelt one
//! is not silently without effect.

use super::Malformed;
use serde_json::{Map, Value as Json};

/// One member of an object.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Whether it may also be null.
    pub nullable: bool,
}

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// An integer from the first to the second.
    Integer(i64, i64),
    /// A number from the first to the second.
    Number(f64, f64),
    /// Text of so many characters, from the first to the second.
    Text(usize, usize),
    /// Text that follows a rule of its own.
    Like(&'static Like),
    /// One of these words.
    Word(&'static [&'static str]),
    /// An e-mail address; see [`is_email`].
    Email,
    /// A phone number in the form of E.164: `+` and 2 to 15 digits.
    Phone,
    /// An absolute `http` or `https` URL of at most 2,048 characters.
    Url,
    /// A list, of at most so many, of one kind.
    List(&'static Kind, usize),
    /// An object with these members.
    Object(&'static [Member]),
    /// An object of flags, whatever their names; null clears one.
    Flags,
    /// An object of at most so many members, whatever their names, each of one kind.
    Entries(usize, &'static Kind),
    /// One of two kinds.
    Either(&'static Kind, &'static Kind),
    /// Any object.
    Document,
    /// Anything: the type that it is read into says what it may be.
    Any,
}

/// A rule for text.
#[derive(Debug)]
pub struct Like {
    /// Whether text follows it.
    pub fits: fn(&str) -> bool,
    /// It in words, to follow "must be".
    pub words: &'static str,
    /// The most characters that text can have and follow it.
    pub longest: usize,
    /// Text that follows it.
    pub example: &'static str,
}

impl Member {
    /// A member that may be absent, but not null.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, nullable: false }
    }

    /// The same, but null is allowed: it clears what was set.
    pub const fn or_null(self) -> Self {
        Self { nullable: true, ..self }
    }
}

/// Checks a body against the members that it may have, given in one table or several.
///
/// # Errors
/// Words that name the member that is unknown or of the wrong kind.
pub fn check(body: &Map<String, Json>, tables: &[&[Member]]) -> Result<(), Malformed> {
    check_at("", body, tables, Unknown::Refused)
}

/// Checks one value, which stands at `path`, against a member that it may be.
///
/// # Errors
/// Words that name what is of the wrong kind, or unknown in it.
pub fn check_member(path: &str, value: &Json, member: &Member) -> Result<(), Malformed> {
    check_one(path, value, member, Unknown::Refused)
}

/// The same for what was stored elsewhere: what is unknown in it is kept, and null counts as absent.
///
/// # Errors
/// Words that name what is of the wrong kind.
pub fn check_record(path: &str, value: &Json, member: &Member) -> Result<(), Malformed> {
    check_one(path, value, member, Unknown::Kept)
}

/// What is done about members that nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Refused,
    Kept,
}

fn check_one(path: &str, value: &Json, member: &Member, unknown: Unknown) -> Result<(), Malformed> {
    let is_absent = value.is_null() && (member.nullable || unknown == Unknown::Kept);
    if is_absent { Ok(()) } else { check_value(path, value, member.kind, unknown) }
}

/// Checks that members which cannot be left out are there.
///
/// # Errors
/// Words that name the first one that is missing.
pub fn require(body: &Map<String, Json>, names: &[&str]) -> Result<(), Malformed> {
    match names.iter().find(|name| !body.contains_key(**name)) {
        Some(name) => Err(Malformed(format!("Missing required property: {name}"))),
        None => Ok(()),
    }
}

fn check_at(
    path: &str,
    body: &Map<String, Json>,
    tables: &[&[Member]],
    unknown: Unknown,
) -> Result<(), Malformed> {
    for (name, value) in body {
        let member = tables.iter().copied().flatten().find(|member| member.name == name);
        match member {
            Some(member) => check_one(&format!("{path}{name}"), value, member, unknown)?,
            None if unknown == Unknown::Kept => {}
            None => return Err(Malformed(format!("Additional properties not allowed: {path}{name}"))),
        }
    }
    Ok(())
}

fn check_value(path: &str, value: &Json, kind: Kind, unknown: Unknown) -> Result<(), Malformed> {
    let text = || value.as_str();
    let fits = match kind {
        Kind::Flag => value.is_boolean(),
        Kind::Integer(least, most) => value.as_i64().is_some_and(|number| (least..=most).contains(&number)),
        Kind::Number(least, most) => value.as_f64().is_some_and(|number| (least..=most).contains(&number)),
        Kind::Like(rule) => text().is_some_and(rule.fits),
        Kind::Text(least, most) => text().is_some_and(|text| (least..=most).contains(&text.chars().count())),
        Kind::Word(words) => text().is_some_and(|text| words.contains(&text)),
        Kind::Email => text().is_some_and(is_email),
        Kind::Phone => text().is_some_and(is_phone),
        Kind::Url => text().is_some_and(is_url),
        Kind::Either(one, other) => {
            check_value(path, value, *one, unknown).is_ok()
                || check_value(path, value, *other, unknown).is_ok()
        }
        Kind::Document => value.is_object(),
        Kind::Any => true,
        Kind::Flags => {
            let flag = |value: &Json| value.is_boolean() || value.is_null();
            value.as_object().is_some_and(|object| object.values().all(flag))
        }
        Kind::Entries(most, kind) => match value.as_object() {
            Some(entries)
                if entries.len() <= most && entries.keys().all(|name| name.chars().count() <= ENTRY_NAME) =>
            {
                let mut entries = entries.iter();
                return entries.try_for_each(|(name, entry)| {
                    check_value(&format!("{path}.{name}"), entry, *kind, unknown)
                });
            }
            _ => false,
        },
        Kind::List(kind, most) => match value.as_array() {
            Some(items) if items.len() <= most => {
                let mut items = items.iter().enumerate();
                return items.try_for_each(|(index, item)| {
                    check_value(&format!("{path}[{index}]"), item, *kind, unknown)
                });
            }
            _ => false,
        },
        Kind::Object(members) => match value.as_object() {
            Some(object) => return check_at(&format!("{path}."), object, &[members], unknown),
            None => false,
        },
    };
    if fits { Ok(()) } else { Err(Malformed(format!("'{path}' must be {}", words(kind)))) }
}

/// How long the name of an entry can be (Auth0: keys of metadata).
const ENTRY_NAME: usize = 255;

/// A kind in words, to follow "must be".
fn words(kind: Kind) -> String {
    match kind {
        Kind::Flag => "true or false".to_owned(),
        Kind::Integer(least, most) => format!("an integer from {least} to {most}"),
        Kind::Number(least, most) => format!("a number from {least} to {most}"),
        Kind::Like(rule) => rule.words.to_owned(),
        Kind::Text(0, most) => format!("text of at most {most} characters"),
        Kind::Text(least, most) => format!("text of {least} to {most} characters"),
        Kind::Word(words) => format!("one of: {}", words.join(", ")),
        Kind::Email => "an e-mail address".to_owned(),
        Kind::Phone => "a phone number such as +14155550100".to_owned(),
        Kind::Url => "an absolute http or https URL".to_owned(),
        Kind::Either(one, other) => format!("{}, or {}", words(*one), words(*other)),
        Kind::List(_, most) => format!("a list of at most {most}"),
        Kind::Flags => "an object of flags".to_owned(),
        Kind::Entries(most, _) => {
            format!("an object of at most {most} entries, with names of at most {ENTRY_NAME} characters")
        }
        Kind::Object(_) | Kind::Document => "an object".to_owned(),
        Kind::Any => "of another kind".to_owned(),
    }
}

/// Whether text is an e-mail address that we take: the `addr-spec` that HTML forms accept (WHATWG HTML, `type=email`)
/// with a dot in its domain, within the lengths of RFC 5321 §4.5.3.1. ASCII only: two addresses that look the same are
/// the same.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let local_letter = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    (1..=64).contains(&local.len())
        && local.bytes().all(local_letter)
        && domain.len() <= 253
        && domain.contains('.')
        && domain.split('.').all(label)
}

fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (2..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0')
}

fn is_url(text: &str) -> bool {
    let http = |url: url::Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    text.len() <= 2048 && url::Url::parse(text).is_ok_and(http)
}
