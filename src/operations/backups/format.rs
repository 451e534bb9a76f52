//! What stands in an archive, and how it is put together again. Parts are read from the last one to the first: what was
//! read last of a row is how it was at the instant of the archive, and everything before that is of no account.

use super::model::{Damage, Manifest, Part, Sums};
use crate::{
    error::Fault,
    json,
    operations::moves::rows::Row,
    platform::Platform,
    secret::{DataKey, KeyRing, Sealed, hex},
};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Which format this is.
const FORMAT: &str = "gatehouse archive 1";

/// A part is put away when it has grown to this many bytes.
pub const FULL: usize = 750_000;

/// Rows on their way into a part, as text: `[{"table":…,"rows":[[key,row],…]},…]`. A row that is gone is null.
#[derive(Debug, Default)]
pub struct Draft {
    text: String,
    rows: u64,
}

impl Draft {
    /// Adds rows of a table: each a key, and the columns behind it, unless the row is gone.
    pub fn add<'a>(&mut self, table: &str, rows: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) {
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_none() {
            return;
        }
        self.text.push_str(if self.text.is_empty() { "[" } else { "," });
        self.text.push_str(&format!("{{\"table\":\"{table}\",\"rows\":["));
        for (index, (key, row)) in rows.enumerate() {
            let comma = if index > 0 { "," } else { "" };
            self.text.push_str(&format!("{comma}[{key},{}]", row.unwrap_or("null")));
            self.rows += 1;
        }
        self.text.push_str("]}");
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether it is to be put away.
    pub fn is_full(&self) -> bool {
        self.text.len() >= FULL
    }

    /// Seals it as the part of this number: what is kept, and the SHA-256 of that.
    ///
    /// # Errors
    /// As [`DataKey::seal`].
    pub fn seal(
        self,
        platform: &dyn Platform,
        key: &DataKey,
        backup: &str,
        number: i64,
    ) -> Result<(Vec<u8>, String), Fault> {
        let plain = format!("{}]", self.text);
        let sealed = key.seal(platform, &purpose(backup, number), plain.as_bytes())?;
        let digest = hex(&Sha256::digest(&sealed));
        Ok((sealed, digest))
    }
}

/// What the part of a number of an archive is sealed for.
fn purpose(backup: &str, number: i64) -> String {
    format!("{FORMAT}: part {number} of {backup}")
}

/// What the key of an archive is wrapped for.
pub fn key_purpose(backup: &str) -> String {
    format!("{FORMAT}: the key of {backup}")
}

/// Where everything of an archive is kept.
pub fn prefix(tenant: &str, backup: &str) -> String {
    format!("{tenant}/{backup}/")
}

/// Where its manifest of this hash is: one that comes late from an attempt that was begun again is another object.
pub fn manifest_name(tenant: &str, backup: &str, hash: &str) -> String {
    format!("{}manifest-{hash}", prefix(tenant, backup))
}

/// Rows of one table in a part: the text of each key, and of the row unless it is gone.
struct Piece<'a> {
    table: String,
    rows: Vec<(&'a str, Option<&'a str>)>,
}

impl<'a> Piece<'a> {
    /// Reads what [`Draft::add`] has written.
    fn parse(text: &'a str) -> Option<Self> {
        let (table, rows) = text.strip_prefix("{\"table\":\"")?.split_once("\",\"rows\":")?;
        let row = |pair: &'a str| match json::items(pair)?.as_slice() {
            [key, row] => Some((*key, Some(*row).filter(|row| *row != "null"))),
            _ => None,
        };
        let rows = json::items(rows.strip_suffix('}')?)?.into_iter().map(row).collect::<Option<_>>()?;
        Some(Self { table: table.to_owned(), rows })
    }
}

/// Opens a part, and refuses what is not exactly what the manifest names.
///
/// # Errors
/// Which part, and what is wrong with it.
pub fn open_part(
    key: &DataKey,
    backup: &str,
    number: usize,
    part: &Part,
    kept: Option<Vec<u8>>,
) -> Result<String, Damage> {
    let damage = |what: &str| Damage(format!("part {number} of {backup} {what}"));
    let kept = kept.ok_or_else(|| damage("is missing"))?;
    if i64::try_from(kept.len()) != Ok(part.bytes) {
        return Err(damage(&format!("has {} bytes and not {}", kept.len(), part.bytes)));
    }
    if hex(&Sha256::digest(&kept)) != part.digest {
        return Err(damage("was changed"));
    }
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let plain = key.open(&purpose(backup, number), kept);
    let plain = plain.ok_or_else(|| damage("is not what was sealed as this part of this archive"))?;
    String::from_utf8(plain).map_err(|_| damage("is no text"))
}

/// An archive on its way together: from its last part to its first.
#[derive(Debug, Default)]
pub struct Reader {
    /// Rows that a later part has told of.
    told: BTreeSet<(String, String)>,
    /// What was found so far.
    pub sums: Sums,
}

impl Reader {
    /// One that has been as far as this.
    pub fn resumed(sums: Sums) -> Self {
        Self { told: BTreeSet::new(), sums }
    }

    /// Remembers what a part of changes tells, that has been read before.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn recall(&mut self, text: &str) -> Result<(), Damage> {
        for piece in pieces(text)? {
            let keys = piece.rows.iter().map(|(key, _)| (piece.table.clone(), (*key).to_owned()));
            self.told.extend(keys);
        }
        Ok(())
    }

    /// Reads the next part before the last one. Answers the rows that are not told of later, by table.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(&mut self, part: &Part, text: &str) -> Result<BTreeMap<String, Vec<Row>>, Damage> {
        let mut found: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for piece in pieces(text)? {
            for (key, row) in &piece.rows {
                let name = (piece.table.clone(), (*key).to_owned());
                let is_told = if part.changes { !self.told.insert(name) } else { self.told.contains(&name) };
                let Some(row) = row.filter(|_| !is_told) else { continue };
                let row = Row { key: (*key).to_owned(), text: row.to_owned() };
                self.sums.entry(piece.table.clone()).or_default().add(&row.text);
                found.entry(piece.table.clone()).or_default().push(row);
            }
        }
        Ok(found)
    }
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Damage> {
    let pieces = json::items(text).and_then(|pieces| pieces.into_iter().map(Piece::parse).collect());
    pieces.ok_or_else(|| Damage("a part is not what was written".to_owned()))
}

/// The manifest as it is kept. The key goes with it, so that an archive is whole without the directory.
#[derive(Serialize, Deserialize)]
struct Envelope {
    format: String,
    wrapped_key: String,
    sealed: String,
}

/// The hash of a manifest: of what it says, not of how it is sealed.
pub fn hash(manifest: &str) -> String {
    hex(&Sha256::digest(manifest.as_bytes()))
}

/// A manifest as text: always the same for the same archive.
///
/// # Errors
/// A fault if it does not serialize.
pub fn written(manifest: &Manifest) -> Result<String, Fault> {
    json::write(manifest)
}

/// Seals a manifest.
///
/// # Errors
/// As [`DataKey::seal`].
pub fn seal_manifest(
    platform: &dyn Platform,
    key: &DataKey,
    wrapped_key: &str,
    backup: &str,
    manifest: &str,
) -> Result<Vec<u8>, Fault> {
    let sealed = key.seal(platform, &manifest_purpose(backup), manifest.as_bytes())?;
    let envelope = Envelope {
        format: FORMAT.to_owned(),
        wrapped_key: wrapped_key.to_owned(),
        sealed: Base64UrlUnpadded::encode_string(&sealed),
    };
    serde_json::to_vec(&envelope).map_err(|error| Fault::internal(error.to_string()))
}

fn manifest_purpose(backup: &str) -> String {
    format!("{FORMAT}: the manifest of {backup}")
}

/// Opens the manifest of an archive, with its key.
///
/// # Errors
/// What is wrong with it.
pub fn open_manifest(
    ring: &KeyRing,
    backup: &str,
    kept: Option<Vec<u8>>,
) -> Result<(Manifest, String, DataKey), Damage> {
    let damage = |what: &str| Damage(format!("the manifest of {backup} {what}"));
    let kept = kept.ok_or_else(|| damage("is missing"))?;
    let envelope: Envelope = json::read(&kept).map_err(|_| damage("is none"))?;
    if envelope.format != FORMAT {
        return Err(damage("is of a format that this release does not read"));
    }
    let key = DataKey::unwrap(ring, &key_purpose(backup), &Sealed::stored(envelope.wrapped_key));
    let key = key.ok_or_else(|| {
        damage("has a data key that does not open: it belongs to another archive, or ENCRYPTION_KEY no longer contains the key that wraps it")
    })?;
    let sealed = Base64UrlUnpadded::decode_vec(&envelope.sealed).map_err(|_| damage("was changed"))?;
    let text = key.open(&manifest_purpose(backup), sealed).ok_or_else(|| damage("was changed"))?;
    let text = String::from_utf8(text).map_err(|_| damage("was changed"))?;
    let manifest: Manifest = json::read(&text).map_err(|_| damage("cannot be read"))?;
    Ok((manifest, hash(&text), key))
}

/// An archive that becomes another tenant: what names the tenant it was of is exchanged, where it stands alone in a column.
#[derive(Debug, Clone)]
pub struct Exchange {
    from: String,
    to: String,
}

impl Exchange {
    /// Exchanges one text for another.
    pub fn new(from: &str, to: &str) -> Self {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        Self { from: quoted(from), to: quoted(to) }
    }

    /// The way back.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self { from: self.to.clone(), to: self.from.clone() }
    }

    /// Applies it to a row or a key (a JSON array of columns). A quotation mark behind a bracket or a comma begins a column:
    /// inside of a text each is behind a backslash.
    pub fn apply(&self, text: &str) -> String {
        if !text.contains(&self.from) {
            return text.to_owned();
        }
        let (mut done, mut rest) = (String::with_capacity(text.len()), text);
        while let Some((before, after)) = rest.split_once(&self.from) {
            done.push_str(before);
            let alone = done.ends_with(['[', ',']) && after.starts_with([']', ',']);
            done.push_str(if alone { &self.to } else { &self.from });
            rest = after;
        }
        done.push_str(rest);
        done
    }

    /// Whether a row has the text that others are exchanged for: then there would be no way back.
    pub fn is_ambiguous(&self, text: &str) -> bool {
        self.reversed().apply(text) != text
    }
}
