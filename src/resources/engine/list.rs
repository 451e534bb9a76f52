//! What a list is asked for: which rows, in which order, how many, and which of their members. Pure. A parameter that it
//! does not know is refused, since one that is ignored would answer with something else than was asked for.

use super::declaration::{Filter, Place, Resource, Test};
use crate::{
    db::{
        Value,
        page::{self, Paging, Part},
    },
    http::{Fields, Pairs},
};
use serde_json::Value as Json;

/// A list request that can be answered.
pub struct Listing {
    /// Which part of it.
    pub part: Part,
    /// Conditions on rows, as SQL whose values begin with `?2`.
    pub conditions: Vec<String>,
    /// Those values.
    pub values: Vec<Value>,
    /// The `order by` terms.
    pub order: String,
    /// Which members of each.
    pub fields: Fields,
}

/// The parameters that every list takes.
const PARAMETERS: [&str; 7] =
    ["page", "per_page", "include_totals", "from", "take", "fields", "include_fields"];

/// How often a parameter may be given that can be given several times (Auth0).
const SEVERAL: usize = 50;

impl Listing {
    /// Reads the query of a request.
    ///
    /// # Errors
    /// Words that name the parameter that is unknown or wrong.
    pub fn parse(resource: &Resource, query: Pairs) -> Result<Self, String> {
        for (name, _) in &query.0 {
            let known = PARAMETERS.contains(&name.as_str())
                || name == "sort" && !resource.sortable.is_empty()
                || resource.filters.iter().any(|filter| filter.name == name);
            if !known {
                return Err(format!("Additional properties not allowed: {name}"));
            }
        }
        let sort = query.0.iter().find(|(name, _)| name == "sort").map(|(_, value)| value.as_str());
        let part = decoded::<Paging>(&query)?.check()?;
        let order = match part {
            Part::Page(_) => page::order(sort, resource.sortable, resource.order)?,
            Part::After(..) if sort.is_some() => {
                return Err("sort cannot be combined with from and take".to_owned());
            }
            Part::After(..) => resource.key.0.to_owned(),
        };
        let mut listing =
            Self { part, conditions: Vec::new(), values: Vec::new(), order, fields: decoded(&query)? };
        for filter in resource.filters {
            let values: Vec<&str> =
                query.0.iter().filter(|(name, _)| name == filter.name).map(|(_, value)| &**value).collect();
            listing.compare(filter, &values)?;
        }
        Ok(listing)
    }

    fn compare(&mut self, filter: &Filter, values: &[&str]) -> Result<(), String> {
        let Some(first) = values.first() else { return Ok(()) };
        if !filter.words.is_empty() && !filter.words.contains(first) {
            return Err(format!("{} must be one of: {}", filter.name, filter.words.join(", ")));
        }
        let (parameter, name) = (format!("?{}", self.values.len() + 2), filter.name);
        let at = match filter.place {
            Place::Column(column) | Place::Moment(column) => column.to_owned(),
            Place::Constant(word) => format!("'{word}'"),
            Place::Document => {
                format!("iif(json_valid(document), document ->> '$.\"{name}\"', null)")
            }
        };
        let (condition, value) = match filter.test {
            Test::Is => (format!("{at} = {parameter}"), Value::from(*first)),
            Test::Contains => (format!("instr(lower({at}), lower({parameter})) > 0"), Value::from(*first)),
            Test::OneOf if values.len() > SEVERAL => {
                return Err(format!("{name} can be given {SEVERAL} times"));
            }
            Test::OneOf => (
                format!("{at} in (select value from json_each({parameter}))"),
                Value::from(&Json::from(values.to_vec())),
            ),
            Test::Flag => match *first {
                "true" => (format!("coalesce({at}, 0) = {parameter}"), Value::from(true)),
                "false" => (format!("coalesce({at}, 0) = {parameter}"), Value::from(false)),
                _ => return Err(format!("{name} must be true or false")),
            },
        };
        self.conditions.push(condition);
        self.values.push(value);
        Ok(())
    }
}

fn decoded<T: serde::de::DeserializeOwned>(query: &Pairs) -> Result<T, String> {
    query.clone().decode().map_err(|why| why.0)
}
