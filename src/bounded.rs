//! JSON that strangers wrote, read within bounds.
//!
//! A tree takes far more memory than its text: `{"":0}` is six bytes long and takes more than six
//! hundred as a tree. So what comes through a door becomes a tree only here, where the memory is
//! counted while the tree grows. What must be known before that, such as whom an event is about,
//! is picked out of the text. Knows no field by name.
//!
//! Invariant: no text of any size or shape makes a tree of more than [`TREE_BYTES`]
//! (`what_a_tree_takes_is_counted_as_it_grows`), and reading one takes no more time than its
//! length demands: nothing is copied, and nothing is read twice.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Most bytes of memory for one tree, by an estimate from above. The largest table that Slack
/// takes, of a hundred rows, needs about half of it.
pub(crate) const TREE_BYTES: usize = 4 * 1024 * 1024;

/// What the first fields of an object take, however few they are: a node of a B-tree.
const OBJECT_BYTES: usize = 640;
/// What each further field takes: such nodes are often only half full.
const FIELD_BYTES: usize = 128;
/// For how many fields the first node is certainly large enough.
const FIRST_FIELDS: usize = 6;
/// What each element of a list takes: a list that grows has up to twice the room it needs.
const ELEMENT_BYTES: usize = 2 * size_of::<Value>();
/// What a text takes beyond its bytes.
const TEXT_OVERHEAD_BYTES: usize = 32;

/// Reads JSON as a tree; `None` if it is none, or too much: too large, nested more than 127 deep,
/// or with a number beyond all bounds.
pub(crate) fn parse_tree(json: &str) -> Option<Value> {
    parse_tree_without(json, &[])
}

/// Reads JSON as a tree without the fields that have one of these names, wherever they stand.
pub(crate) fn parse_tree_without(json: &str, without: &[&str]) -> Option<Value> {
    let left = Cell::new(TREE_BYTES);
    let mut reader = serde_json::Deserializer::from_str(json);
    let tree = TreeBuilder { left: &left, without }.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    Some(tree)
}

/// Whether a text is JSON, however large or deep.
pub(crate) fn is_json(json: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(json).is_ok()
}

/// The fields of an object that have these names, as they were written; `None` if it is no object.
/// Of two fields of one name the last counts, and one that is null counts as missing.
pub(crate) fn pick_fields<'a, const N: usize>(
    json: &'a str,
    names: [&str; N],
) -> Option<[Option<&'a str>; N]> {
    let mut reader = serde_json::Deserializer::from_str(json);
    reader.deserialize_map(FieldPicker(names)).ok()
}

/// The first fields of an object in the order in which they were written, as they were written;
/// `None` if it is no object.
pub(crate) fn list_entries(json: &str, most: usize) -> Option<Vec<(String, &str)>> {
    let mut reader = serde_json::Deserializer::from_str(json);
    reader.deserialize_map(EntryLister { most }).ok()
}

/// The elements of a list as they were written; `None` if it is no list, or has more than so many.
pub(crate) fn list_elements(json: &str, most: usize) -> Option<Vec<&str>> {
    let mut reader = serde_json::Deserializer::from_str(json);
    reader.deserialize_seq(ElementLister { most }).ok()
}

/// Makes a tree while there are bytes left for it.
struct TreeBuilder<'a> {
    left: &'a Cell<usize>,
    without: &'a [&'a str],
}

impl TreeBuilder<'_> {
    fn take_bytes<E: Error>(&self, bytes: usize) -> Result<(), E> {
        // One count for the whole tree: very many small parts are as much as a large one.
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.ok_or_else(|| E::custom("too large"))?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for TreeBuilder<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TreeBuilder<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(truth.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.take_bytes(TEXT_OVERHEAD_BYTES + text.len())?;
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) =
            list.next_element_seed(TreeBuilder { left: self.left, without: self.without })?
        {
            self.take_bytes(ELEMENT_BYTES)?;
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            if self.without.contains(&name.as_str()) {
                object.next_value::<IgnoredAny>()?;
                continue;
            }
            let node = match fields.len() {
                0 => OBJECT_BYTES,
                1..FIRST_FIELDS => 0,
                _ => FIELD_BYTES,
            };
            self.take_bytes(node + TEXT_OVERHEAD_BYTES + name.len())?;
            let value =
                object.next_value_seed(TreeBuilder { left: self.left, without: self.without })?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

/// Picks fields by their names.
struct FieldPicker<'n, const N: usize>([&'n str; N]);

impl<'de, const N: usize> Visitor<'de> for FieldPicker<'_, N> {
    type Value = [Option<&'de str>; N];

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        while let Some(place) = object.next_key_seed(NamePosition(&self.0))? {
            match place.and_then(|place| found.get_mut(place)) {
                Some(found) => {
                    let value: &RawValue = object.next_value()?;
                    // Slack writes null where a part is missing, as `team_id` of an installation
                    // for an organisation (`slack.md` A.4).
                    *found = Some(value.get()).filter(|value| *value != "null");
                }
                None => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

/// Finds a name among others without keeping it.
struct NamePosition<'n>(&'n [&'n str]);

impl<'de> DeserializeSeed<'de> for NamePosition<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NamePosition<'_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| *known == name))
    }
}

/// Takes an object apart, as far as it is not too large.
struct EntryLister {
    most: usize,
}

impl<'de> Visitor<'de> for EntryLister {
    type Value = Vec<(String, &'de str)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while entries.len() < self.most {
            let Some((name, value)) = object.next_entry::<String, &RawValue>()? else { break };
            entries.push((name, value.get()));
        }
        // An object that was not read to its end is an error to `serde_json`.
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(entries)
    }
}

/// Takes a list apart, if it is not too long.
struct ElementLister {
    most: usize,
}

impl<'de> Visitor<'de> for ElementLister {
    type Value = Vec<&'de str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a list of at most {}", self.most)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element::<&RawValue>()? {
            if elements.len() == self.most {
                return Err(A::Error::custom("too many"));
            }
            elements.push(element.get());
        }
        Ok(elements)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// What a tree really takes, counted from below: what is in use, without the room beside it.
    fn bytes(tree: &Value) -> usize {
        let within = match tree {
            Value::String(text) => text.len(),
            Value::Array(elements) => elements.iter().map(bytes).sum(),
            // The node that every object has, filled or not.
            Value::Object(fields) => {
                let fields: usize = fields.iter().map(|(name, v)| name.len() + 24 + bytes(v)).sum();
                fields.max(if fields > 0 { 11 * 56 } else { 0 })
            }
            _ => 0,
        };
        size_of::<Value>() + within
    }

    #[test]
    fn what_a_tree_takes_is_counted_as_it_grows() {
        const MIB: usize = 1024 * 1024;
        let list =
            |element: &str| format!("[{}]", vec![element; MIB / (element.len() + 1)].join(","));
        let fields: Vec<String> = (0..MIB / 12).map(|number| format!("\"{number}\":0")).collect();
        for hostile in [
            list("{\"\":0}"),
            list("{\"a\":{}}"),
            list("[]"),
            list("0"),
            list("\"\""),
            list("[[[[0]]]]"),
            format!("{{{}}}", fields.join(",")),
        ] {
            assert_eq!(parse_tree(&hostile), None, "{}", hostile.get(..20).unwrap());
            assert!(is_json(&hostile));
        }
        // Long texts are no trouble.
        assert!(parse_tree(&json!({"text": "a".repeat(MIB)}).to_string()).is_some());
    }

    #[test]
    fn as_many_as_the_bound_allows_take_no_more_than_it_says() {
        for element in ["{\"\":0}", "[0]", "\"a\"", "{\"a\":\"b\",\"c\":[1]}"] {
            let of = |count: usize| format!("[{}]", vec![element; count].join(","));
            let fits = |count: &usize| parse_tree(&of(*count)).is_some();
            let most = (1..100).map(|step| step * 2000).take_while(fits).last().unwrap();
            assert!(bytes(&parse_tree(&of(most)).unwrap()) <= TREE_BYTES, "{most} times {element}");
        }
    }

    #[test]
    fn what_is_no_tree_is_none() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(parse_tree(&deep(127)).is_some());
        for none in ["", "{", "[1] 2", "1e999", r#"{"a":-1e999}"#, "[1,]", &deep(128)] {
            assert_eq!(parse_tree(none), None, "{none}");
        }
    }

    #[test]
    fn fields_are_found_whatever_stands_beside_them() {
        let deep = "[".repeat(9000) + &"]".repeat(9000);
        let json = format!(
            r#" {{"x":{deep},"a":1,"y":1e999,"\u0062":{{"c": [2]}},"z":"\ud800","a":"3","n":null}}"#
        );
        let expected = [Some(r#""3""#), Some(r#"{"c": [2]}"#), None, None];
        assert_eq!(pick_fields(&json, ["a", "b", "n", "missing"]), Some(expected));
        for other in ["[]", "1", "null", "", "{\"a\":}"] {
            assert_eq!(pick_fields(other, ["a"]), None, "{other}");
        }
    }

    #[test]
    fn a_list_is_taken_apart_if_it_is_not_too_long() {
        assert_eq!(
            list_elements(" [ 1 , {\"a\":1e999},[]]", 3),
            Some(vec!["1", "{\"a\":1e999}", "[]"])
        );
        assert_eq!(list_elements("[1,2,3,4]", 3), None);
        assert_eq!(list_elements("{}", 3), None);
    }

    #[test]
    fn an_object_is_taken_apart_in_the_order_in_which_it_was_written() {
        let entry = |name: &str, json| (name.to_owned(), json);
        let expected = vec![entry("b", "1"), entry("a", "1e999")];
        assert_eq!(list_entries(r#"{"b":1,"a":1e999,"c":[]}"#, 2), Some(expected));
        assert_eq!(list_entries("{\"b\":1", 5), None);
        assert_eq!(list_entries("[]", 5), None);
    }

    #[test]
    fn an_outline_is_without_what_was_not_wanted() {
        let json = r#"{"a":{"blocks":[1e999],"b":1},"blocks":7,"c":[{"blocks":{}}]}"#;
        assert_eq!(parse_tree_without(json, &["blocks"]), Some(json!({"a": {"b": 1}, "c": [{}]})));
    }

    proptest! {
        #[test]
        fn what_is_not_too_large_is_read_as_it_is(value in crate::model::content::any_json()) {
            let json = value.to_string();
            prop_assert_eq!(parse_tree(&json), Some(value.clone()));
            let [text] = pick_fields(&json, ["text"]).unwrap_or_default();
            let read = text.map(|text| serde_json::from_str::<Value>(text).unwrap());
            prop_assert_eq!(read.as_ref(), value.get("text").filter(|text| !text.is_null()));
        }
    }
}
