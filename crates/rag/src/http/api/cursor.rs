//! Pages of a list. A cursor says where the next one begins; what is in it is the
//! server's affair.

use rag_memory::api::Object;
use serde_json::Value;

use super::operation::invalid;
use crate::http::problem::Problem;

/// The argument.
pub(super) const CURSOR: &str = "cursor";
/// The field of an answer with the next one.
pub(super) const NEXT: &str = "next_cursor";

/// What every cursor begins with: a number alone would invite to count.
const PREFIX: &str = "o";

/// Replaces the cursor among the arguments by how many items to skip, and says
/// how many these are.
pub(super) fn offset_in(input: &mut Object) -> Result<u64, Problem> {
    let offset = match input.remove(CURSOR) {
        None => 0,
        Some(cursor) => read(&cursor).ok_or_else(|| {
            let problem = invalid("`cursor` is not one that this server gave");
            problem.hint("pass what `next_cursor` of the page before was, or nothing")
        })?,
    };
    input.insert("offset".to_owned(), Value::from(offset));
    Ok(offset)
}

/// Adds the cursor of the next page to an answer, null when there is none.
pub(super) fn add_next(body: &mut Value, list: &str, offset: u64) {
    let shown = body[list].as_array().map_or(0, Vec::len) as u64;
    let has_more = body["has_more"] == true || body["next_offset"].is_u64();
    let next = match has_more && shown > 0 {
        true => Value::from(format!("{PREFIX}{}", offset + shown)),
        false => Value::Null,
    };
    if let Value::Object(body) = body {
        body.remove("next_offset");
        body.insert(NEXT.to_owned(), next);
    }
}

fn read(cursor: &Value) -> Option<u64> {
    let offset: u32 = cursor.as_str()?.strip_prefix(PREFIX)?.parse().ok()?;
    Some(u64::from(offset))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pages_follow_each_other() {
        let mut first = Object::new();
        assert_eq!(offset_in(&mut first).unwrap(), 0);
        let mut body = json!({"jobs": [1, 2], "has_more": true});
        add_next(&mut body, "jobs", 0);
        let mut second: Object = Object::new();
        second.insert(CURSOR.to_owned(), body[NEXT].clone());
        assert_eq!(offset_in(&mut second).unwrap(), 2);
        assert_eq!(second["offset"], 2);
        let mut body = json!({"jobs": [3], "has_more": false});
        add_next(&mut body, "jobs", 2);
        assert_eq!(body[NEXT], Value::Null);
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for cursor in [
            json!("x2"),
            json!("2"),
            json!("o-1"),
            json!(2),
            json!("o99999999999"),
        ] {
            let mut input = Object::new();
            input.insert(CURSOR.to_owned(), cursor);
            assert!(offset_in(&mut input).is_err());
        }
    }
}
