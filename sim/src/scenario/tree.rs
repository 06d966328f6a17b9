//! The TOML text as a tree in which every key and value knows its place, with
//! the `--set` overrides already applied.
//!
//! It knows nothing of scenarios: what the keys mean is the readers' business.

use super::error::{Problem, Sources, Spot};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) data: Data,
    pub(crate) at: Spot,
}

/// What TOML knows.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    Text(String),
    Integer(i64),
    Float(f64),
    Flag(bool),
    Date,
    List(Vec<Value>),
    Table(Table),
}

/// Keys with the places of keys and values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) entries: BTreeMap<String, (Spot, Value)>,
    pub(crate) at: Spot,
}

impl Data {
    /// The kind of value, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::Date => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// Parses the file and applies the overrides in order.
pub(crate) fn load(sources: &Sources<'_>) -> Result<Table, Problem> {
    let mut root = parse(sources.text, 0, 0)?;
    for (index, set) in sources.sets.iter().enumerate() {
        apply(&mut root, set, index + 1)?;
    }
    Ok(root)
}

/// Parses a TOML text that begins at `offset` of source `source`.
fn parse(text: &str, source: usize, offset: usize) -> Result<Table, Problem> {
    let parsed = DeTable::parse(text).map_err(|error| syntax(&error, source, offset))?;
    let spot = spot(parsed.span(), source, offset);
    table(parsed.get_ref(), spot, source, offset)
}

fn syntax(error: &toml::de::Error, source: usize, offset: usize) -> Problem {
    let at = spot(error.span().unwrap_or(0..0), source, offset);
    let mut lines = error.message().lines();
    let problem = Problem::new(
        &at,
        format!("not TOML: {}", lines.next().unwrap_or("syntax error")),
    );
    lines.fold(problem, Problem::note)
}

fn spot(span: Range<usize>, source: usize, offset: usize) -> Spot {
    Spot {
        source,
        span: (span.start + offset)..(span.end + offset),
    }
}

fn table(from: &DeTable<'_>, at: Spot, source: usize, offset: usize) -> Result<Table, Problem> {
    let mut entries = BTreeMap::new();
    for (key, inner) in from {
        let key_at = spot(key.span(), source, offset);
        entries.insert(
            key.get_ref().to_string(),
            (key_at, value(inner, source, offset)?),
        );
    }
    Ok(Table { entries, at })
}

fn value(from: &Spanned<DeValue<'_>>, source: usize, offset: usize) -> Result<Value, Problem> {
    let at = spot(from.span(), source, offset);
    let data = match from.get_ref() {
        DeValue::String(text) => Data::Text(text.to_string()),
        DeValue::Integer(number) => Data::Integer(
            i64::from_str_radix(&number.as_str().replace('_', ""), number.radix())
                .map_err(|_| Problem::new(&at, "this number is too large"))?,
        ),
        DeValue::Float(number) => Data::Float(
            number
                .as_str()
                .replace('_', "")
                .parse()
                .map_err(|_| Problem::new(&at, "this is not a number"))?,
        ),
        DeValue::Boolean(flag) => Data::Flag(*flag),
        DeValue::Datetime(_) => Data::Date,
        DeValue::Array(list) => Data::List(
            list.iter()
                .map(|item| value(item, source, offset))
                .collect::<Result<_, _>>()?,
        ),
        DeValue::Table(inner) => Data::Table(table(inner, at.clone(), source, offset)?),
    };
    Ok(Value { data, at })
}

/// Applies `a.b=value`.
fn apply(root: &mut Table, set: &str, source: usize) -> Result<(), Problem> {
    let whole = Spot {
        source,
        span: 0..set.len(),
    };
    let (path, text) = set.split_once('=').ok_or_else(|| {
        Problem::new(&whole, "an override needs a `=`")
            .note("expected key=value, such as workload.nodes=50")
    })?;
    let leaf = override_value(text, source, path.len() + 1);
    let mut steps = Vec::new();
    let mut from = 0;
    for step in path.split('.') {
        let at = Spot {
            source,
            span: from..from + step.len(),
        };
        if step.trim().is_empty() {
            return Err(Problem::new(&at, "an empty name in an override")
                .note("expected a dotted name, such as fault.0.at"));
        }
        steps.push((step.trim(), at));
        from += step.len() + 1;
    }
    put(root, &steps, leaf)
}

/// The value as TOML if it is, else as a string: `5s`, `10%` and `i2p` need no quotes.
fn override_value(text: &str, source: usize, offset: usize) -> Value {
    let at = Spot {
        source,
        span: offset..offset + text.len(),
    };
    let quoted = format!("v={text}");
    let parsed = if text.contains('\n') {
        None
    } else {
        DeTable::parse(&quoted).ok()
    };
    let data = parsed
        .filter(|table| table.get_ref().len() == 1)
        .and_then(|table| value(table.get_ref().get("v")?, source, 0).ok())
        .filter(|value| !matches!(value.data, Data::Date));
    let mut result = data.unwrap_or_else(|| Value {
        data: Data::Text(text.to_owned()),
        at: at.clone(),
    });
    relocate(&mut result, &at);
    result
}

/// Places a value and all inside it at `at`.
fn relocate(value: &mut Value, at: &Spot) {
    value.at = at.clone();
    match &mut value.data {
        Data::List(list) => list.iter_mut().for_each(|item| relocate(item, at)),
        Data::Table(table) => {
            table.at = at.clone();
            for (key_at, inner) in table.entries.values_mut() {
                *key_at = at.clone();
                relocate(inner, at);
            }
        }
        Data::Text(_) | Data::Integer(_) | Data::Float(_) | Data::Flag(_) | Data::Date => {}
    }
}

fn put(table: &mut Table, steps: &[(&str, Spot)], leaf: Value) -> Result<(), Problem> {
    let [(name, at), rest @ ..] = steps else {
        return Ok(());
    };
    if rest.is_empty() {
        table.entries.insert((*name).to_owned(), (at.clone(), leaf));
        return Ok(());
    }
    let fresh = || (at.clone(), fresh_container(at, rest));
    let (_, inner) = table
        .entries
        .entry((*name).to_owned())
        .or_insert_with(fresh);
    put_into(inner, (name, at), rest, leaf)
}

/// A new table, or a new list if the next step is a number.
fn fresh_container(at: &Spot, rest: &[(&str, Spot)]) -> Value {
    let indexed = rest
        .first()
        .is_some_and(|(step, _)| step.parse::<usize>().is_ok());
    let data = if indexed {
        Data::List(Vec::new())
    } else {
        Data::Table(Table {
            entries: BTreeMap::new(),
            at: at.clone(),
        })
    };
    Value {
        data,
        at: at.clone(),
    }
}

fn put_into(
    inner: &mut Value,
    (name, at): (&str, &Spot),
    rest: &[(&str, Spot)],
    leaf: Value,
) -> Result<(), Problem> {
    match &mut inner.data {
        Data::Table(table) => put(table, rest, leaf),
        Data::List(list) => put_item(list, name, rest, leaf),
        Data::Text(_) | Data::Integer(_) | Data::Float(_) | Data::Flag(_) | Data::Date => {
            Err(Problem::new(
                at,
                format!(
                    "`{name}` is {} and has nothing inside it",
                    inner.data.kind()
                ),
            ))
        }
    }
}

fn put_item(
    list: &mut Vec<Value>,
    name: &str,
    rest: &[(&str, Spot)],
    leaf: Value,
) -> Result<(), Problem> {
    let [(step, at), deeper @ ..] = rest else {
        return Ok(());
    };
    let index = step
        .parse::<usize>()
        .ok()
        .filter(|index| *index <= list.len())
        .ok_or_else(|| {
            Problem::new(
                at,
                format!("`{name}` is a list with {} entries", list.len()),
            )
            .note(format!(
                "expected an index from 0 to {} (the last one adds an entry)",
                list.len()
            ))
        })?;
    if deeper.is_empty() {
        if index == list.len() {
            list.push(leaf)
        } else {
            list[index] = leaf
        }
        return Ok(());
    }
    if index == list.len() {
        list.push(fresh_container(at, deeper));
    }
    put_into(&mut list[index], (step, at), deeper, leaf)
}

/// The tree as TOML text.
pub(crate) fn text(table: &Table) -> String {
    toml::to_string(&plain_table(table)).unwrap_or_default()
}

fn plain_table(table: &Table) -> toml::Table {
    table
        .entries
        .iter()
        .map(|(key, (_, value))| (key.clone(), plain(value)))
        .collect()
}

/// Dates are refused by every reader, so none is left to write.
fn plain(value: &Value) -> toml::Value {
    match &value.data {
        Data::Text(text) => toml::Value::String(text.clone()),
        Data::Integer(number) => toml::Value::Integer(*number),
        Data::Float(number) => toml::Value::Float(*number),
        Data::Flag(flag) => toml::Value::Boolean(*flag),
        Data::Date => toml::Value::String(String::new()),
        Data::List(list) => toml::Value::Array(list.iter().map(plain).collect()),
        Data::Table(table) => toml::Value::Table(plain_table(table)),
    }
}
