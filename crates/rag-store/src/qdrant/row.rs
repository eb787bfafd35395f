//! What is in the payload of a point, written and read back.

use std::collections::HashMap;

use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::{ListValue, NullValue, Value};
use rag_core::model::{CollectionName, ContentHash, Metadata, Timestamp};

use super::failure::Failure;

/// The fields of a point.
pub(super) type Payload = HashMap<String, Value>;

/// `fields` as a payload.
pub(super) fn payload<const COUNT: usize>(fields: [(&str, Value); COUNT]) -> Payload {
    let fields = fields.into_iter();
    fields.map(|(key, value)| (key.to_owned(), value)).collect()
}

/// A number that may not fit; what is too large is as large as can be.
pub(super) fn number(number: impl TryInto<i64>) -> Value {
    Value::from(number.try_into().unwrap_or(i64::MAX))
}

/// Texts in their order.
pub(super) fn texts<'text>(texts: impl IntoIterator<Item = &'text str>) -> Value {
    list(texts.into_iter().map(Value::from))
}

/// Numbers in their order.
pub(super) fn numbers(numbers: impl IntoIterator<Item = i64>) -> Value {
    list(numbers.into_iter().map(Value::from))
}

/// The value, or that there is none.
pub(super) fn optional<T: Into<Value>>(value: Option<T>) -> Value {
    match value {
        Some(value) => value.into(),
        None => Value {
            kind: Some(Kind::NullValue(NullValue::NullValue.into())),
        },
    }
}

/// A moment, to the microsecond.
pub(super) fn time(time: Timestamp) -> Value {
    Value::from(time.as_microsecond())
}

fn list(values: impl Iterator<Item = Value>) -> Value {
    Value {
        kind: Some(Kind::ListValue(ListValue {
            values: values.collect(),
        })),
    }
}

/// A payload that is read.
#[derive(Clone, Copy)]
pub(super) struct Row<'payload>(pub(super) &'payload Payload);

impl<'payload> Row<'payload> {
    pub(super) fn text(self, key: &str) -> Result<&'payload str, Failure> {
        self.maybe_text(key).ok_or_else(|| missing(key, "text"))
    }

    pub(super) fn maybe_text(self, key: &str) -> Option<&'payload str> {
        match self.kind(key) {
            Some(Kind::StringValue(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number<T: TryFrom<i64>>(self, key: &str) -> Result<T, Failure> {
        self.maybe_number(key)?
            .ok_or_else(|| missing(key, "number"))
    }

    /// A number that may be missing, but fits where it is there.
    pub(super) fn maybe_number<T: TryFrom<i64>>(self, key: &str) -> Result<Option<T>, Failure> {
        match self.kind(key) {
            Some(Kind::IntegerValue(number)) => match T::try_from(*number) {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(missing(key, "number in its range")),
            },
            _ => Ok(None),
        }
    }

    pub(super) fn flag(self, key: &str) -> bool {
        matches!(self.kind(key), Some(Kind::BoolValue(true)))
    }

    pub(super) fn texts(self, key: &str) -> Vec<&'payload str> {
        let Some(Kind::ListValue(list)) = self.kind(key) else {
            return Vec::new();
        };
        let texts = list.values.iter().filter_map(|value| match &value.kind {
            Some(Kind::StringValue(text)) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    pub(super) fn name(self, key: &str) -> Result<CollectionName, Failure> {
        let name = self.text(key)?;
        name.parse().map_err(|_| missing(key, "collection name"))
    }

    pub(super) fn time(self, key: &str) -> Result<Timestamp, Failure> {
        self.maybe_time(key)?.ok_or_else(|| missing(key, "time"))
    }

    pub(super) fn maybe_time(self, key: &str) -> Result<Option<Timestamp>, Failure> {
        match self.maybe_number(key)? {
            Some(micros) => match Timestamp::from_microsecond(micros) {
                Ok(time) => Ok(Some(time)),
                Err(_) => Err(missing(key, "time in its range")),
            },
            None => Ok(None),
        }
    }

    pub(super) fn json(self, key: &str) -> Result<serde_json::Value, Failure> {
        serde_json::from_str(self.text(key)?).map_err(|_| missing(key, "JSON text"))
    }

    pub(super) fn metadata(self, key: &str) -> Result<Metadata, Failure> {
        serde_json::from_str(self.text(key)?).map_err(|_| missing(key, "JSON object"))
    }

    pub(super) fn hash(self, key: &str) -> Result<ContentHash, Failure> {
        hash(self.text(key)?).ok_or_else(|| missing(key, "hash"))
    }

    /// One of a closed set, by its name.
    pub(super) fn named<T>(
        self,
        key: &str,
        from_name: fn(&str) -> Option<T>,
    ) -> Result<T, Failure> {
        from_name(self.text(key)?).ok_or_else(|| missing(key, "name that is known"))
    }

    fn kind(self, key: &str) -> Option<&'payload Kind> {
        self.0.get(key).and_then(|value| value.kind.as_ref())
    }
}

fn missing(key: &str, what: &str) -> Failure {
    Failure::Damaged(format!("a record has no {what} `{key}`"))
}

/// The hash that is written as `hex`.
fn hash(hex: &str) -> Option<ContentHash> {
    let mut bytes = [0; 32];
    if hex.len() != 2 * bytes.len() || !hex.is_ascii() {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(ContentHash(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_they_were_written() {
        let kept = payload([
            ("text", Value::from("ü")),
            ("number", number(u64::MAX)),
            ("hash", Value::from(ContentHash::of("a").to_string())),
            ("nothing", optional(None::<i64>)),
            ("texts", texts(["a", ""])),
            ("time", time(Timestamp::UNIX_EPOCH)),
        ]);
        let row = Row(&kept);
        assert_eq!(row.text("text").unwrap(), "ü");
        assert_eq!(row.number::<i64>("number").unwrap(), i64::MAX);
        assert!(row.number::<u32>("number").is_err());
        assert_eq!(row.hash("hash").unwrap(), ContentHash::of("a"));
        assert_eq!(row.maybe_number::<u32>("nothing").unwrap(), None);
        assert_eq!(row.texts("texts"), ["a", ""]);
        assert_eq!(row.time("time").unwrap(), Timestamp::UNIX_EPOCH);
        assert!(row.text("missing").is_err());
        assert_eq!(hash("zz"), None);
    }
}
