//! From a record to the cells of its row, where nothing is secret any more, and back to what can be compared.

use super::{
    fingerprint::digest,
    record::Values,
    tables::{Column, Kind, Table, secrets},
};
use crate::{
    db::Row,
    error::Fault,
    platform::Platform,
    secret::{KeyRing, Sealed, Secret},
};
use serde_json::{Map, Value as Json};

/// The columns of the row that a record's columns are stored in, in the order of [`cells`].
pub fn stored(table: &Table) -> Vec<&'static str> {
    table.columns.iter().flat_map(stored_as).collect()
}

fn stored_as(column: &Column) -> Vec<&'static str> {
    match column.kind {
        Kind::Secret { digest, sealed, .. } => std::iter::once(digest).chain(sealed).collect(),
        Kind::Sealed { sealed, .. } => vec![sealed],
        _ => vec![column.name],
    }
}

/// The cells of a row: text, integers and null. Secrets are sealed for their purpose, or digested.
///
/// # Errors
/// As [`KeyRing::seal`].
pub fn cells(
    platform: &dyn Platform,
    seal: &KeyRing,
    table: &Table,
    values: &Values,
) -> Result<Vec<Json>, Fault> {
    let key = table.key_of(values);
    let sealed = |purpose: &str, plain: &str| {
        let sealed = seal.seal(platform, &format!("{purpose} {key}"), &Secret::new(plain))?;
        Ok::<_, Fault>(sealed.as_str().to_owned())
    };
    let mut cells = Vec::new();
    for column in table.columns {
        let value = values.get(column.name).filter(|value| !value.is_null());
        let Some(value) = value else {
            cells.extend(stored_as(column).iter().map(|_| Json::Null));
            continue;
        };
        match column.kind {
            Kind::Flag => cells.push(Json::from(i64::from(value.as_bool() == Some(true)))),
            Kind::Object | Kind::List => cells.push(Json::from(value.to_string())),
            Kind::Options { purpose } => {
                let mut options = value.as_object().cloned().unwrap_or_default();
                for secret in secrets(&mut options) {
                    *secret = sealed(purpose, secret)?;
                }
                cells.push(Json::from(Json::Object(options).to_string()));
            }
            Kind::Secret { sealed: shown, purpose, .. } => {
                let plain = value.as_str().unwrap_or_default();
                cells.push(Json::from(Secret::new(plain).digest().as_str()));
                if shown.is_some() {
                    cells.push(Json::from(sealed(purpose, plain)?));
                }
            }
            Kind::Sealed { purpose, .. } => {
                let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                cells.push(Json::from(sealed(purpose, &plain)?));
            }
            Kind::Text(_) | Kind::Word(_) | Kind::Integer | Kind::Time | Kind::Digest => {
                cells.push(value.clone());
            }
        }
    }
    Ok(cells)
}

/// The record of a row, with a digest in place of each secret: what [`super::fingerprint::digested`] makes of the record
/// that was sent, if the row is what was sent.
///
/// # Errors
/// A fault if the row holds what the schema does not allow, or a secret that cannot be opened.
pub fn read_back(seal: &KeyRing, table: &Table, row: &Row) -> Result<Values, Fault> {
    let mut values = Map::new();
    // Every key is text.
    for column in table.key_columns() {
        values.insert(column.name.to_owned(), Json::from(row.text(column.name)?));
    }
    let key = table.key_of(&values);
    let open = |purpose: &str, sealed: String| {
        let opened = seal.open(&format!("{purpose} {key}"), &Sealed::stored(sealed));
        opened.ok_or_else(|| Fault::internal(format!("cannot open {purpose} of {}", table.name)))
    };
    for Column { name, kind, .. } in table.columns {
        let value = match kind {
            Kind::Text(_) | Kind::Word(_) | Kind::Digest => row.optional_text(name)?.map(Json::from),
            Kind::Integer | Kind::Time => row.optional_int(name)?.map(Json::from),
            Kind::Flag => row.optional_int(name)?.map(|flag| Json::from(flag != 0)),
            Kind::Object | Kind::List => match row.optional_text(name)? {
                Some(_) => Some(row.json(name)?),
                None => None,
            },
            Kind::Options { purpose } => {
                let mut options = row.object(name)?;
                for secret in secrets(&mut options) {
                    let plain = open(purpose, secret.clone())?;
                    *secret = format!("sha256:{}", plain.digest().as_str());
                }
                Some(Json::Object(options))
            }
            Kind::Secret { digest, .. } => {
                row.optional_text(digest)?.map(|digest| Json::from(format!("sha256:{digest}")))
            }
            Kind::Sealed { sealed, purpose } => match row.optional_text(sealed)? {
                Some(sealed) => Some(digest(&Json::from(open(purpose, sealed)?.expose()))),
                None => None,
            },
        };
        if let Some(value) = value {
            values.insert((*name).to_owned(), value);
        }
    }
    Ok(values)
}
