//! What a caller may do: which kinds of operations, in which collections.
//!
//! A [`Memory`](crate::Memory) carries the access of whoever holds it and is the
//! one place that refuses. Who a caller is, the surfaces find out.

use std::fmt;
use std::sync::Arc;

use rag_core::model::CollectionName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// A kind of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Scope {
    #[expect(
        missing_docs,
        reason = "a comment would turn the schema's enum into a long oneOf"
    )]
    Read,
    #[expect(missing_docs, reason = "as above")]
    Ingest,
    #[expect(missing_docs, reason = "as above")]
    Admin,
}

impl Scope {
    /// All scopes, from the least powerful on: looking things up; putting in and
    /// changing; removing for good, moving to another model, tokens.
    pub const ALL: [Scope; 3] = [Scope::Read, Scope::Ingest, Scope::Admin];

    /// Its name: `read`, `ingest` or `admin`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Ingest => "ingest",
            Scope::Admin => "admin",
        }
    }

    /// The scope of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a caller may do. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    caller: Arc<str>,
    scopes: Arc<[Scope]>,
    /// `None` for all there are and will be.
    collections: Option<Arc<[CollectionName]>>,
}

impl Access {
    /// All operations, for whoever runs the program.
    pub fn everything() -> Self {
        Access::new("operator", &[Scope::Admin], None)
    }

    /// `scopes`, in `collections` alone where there are some; `caller` is what
    /// logs call the one who has it, no secret.
    pub fn new(caller: &str, scopes: &[Scope], collections: Option<Vec<CollectionName>>) -> Self {
        Access {
            caller: caller.into(),
            scopes: scopes.into(),
            collections: collections.map(Arc::from),
        }
    }

    /// What logs call the caller.
    pub fn caller(&self) -> &str {
        &self.caller
    }

    /// Whether it has one of `scopes`. `admin` stands for each.
    pub fn has(&self, scopes: &[Scope]) -> bool {
        let own = |scope| self.scopes.contains(scope);
        own(&Scope::Admin) || scopes.iter().any(own)
    }

    /// The collections it is limited to.
    pub(crate) fn collections(&self) -> Option<&[CollectionName]> {
        self.collections.as_deref()
    }

    /// Whether it may use a collection at all.
    pub(crate) fn admits(&self, collection: &CollectionName) -> bool {
        self.collections()
            .is_none_or(|admitted| admitted.contains(collection))
    }

    /// Refuses who has none of `scopes`.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`], saying what is wanted and what there is.
    pub fn require(&self, scopes: &[Scope]) -> Result<(), Error> {
        if self.has(scopes) {
            return Ok(());
        }
        let wanted = named(scopes.iter().map(|scope| scope.as_str()), " or ");
        let own = match self.scopes.is_empty() {
            true => "none".to_owned(),
            false => named(self.scopes.iter().map(|scope| scope.as_str()), ", "),
        };
        let message = format!("this takes the scope {wanted}, and the caller has {own}");
        Err(Error::new(ErrorKind::Forbidden, message)
            .hint("ask whoever runs the server for a token with that scope"))
    }

    /// Refuses who may not administer the memory as a whole.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`].
    pub fn require_whole(&self) -> Result<(), Error> {
        self.require(&[Scope::Admin])?;
        match self.collections() {
            None => Ok(()),
            Some(_) => Err(Error::new(
                ErrorKind::Forbidden,
                "this is about the whole memory, and the caller may use some collections alone",
            )),
        }
    }

    /// Refuses who may not use a collection, whether there is such a one or not.
    pub(crate) fn require_collection(&self, collection: &CollectionName) -> Result<(), Error> {
        if self.admits(collection) {
            return Ok(());
        }
        let own = self.collections().unwrap_or_default();
        let own = named(own.iter().map(CollectionName::as_str), ", ");
        let message = format!("the caller may not use collection `{collection}`");
        Err(Error::new(ErrorKind::Forbidden, message).hint(format!(
            "the caller may use {own}; another token may use more"
        )))
    }
}

fn named<'name>(names: impl Iterator<Item = &'name str>, between: &str) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_what_they_say() {
        let reader = Access::new("r", &[Scope::Read], None);
        let writer = Access::new("w", &[Scope::Ingest], None);
        for (access, scopes, allowed) in [
            (&reader, &[Scope::Read][..], true),
            (&reader, &[Scope::Ingest], false),
            (&reader, &[Scope::Read, Scope::Ingest], true),
            (&reader, &[Scope::Admin], false),
            (&writer, &[Scope::Read], false),
            (&writer, &[Scope::Ingest], true),
            (&Access::everything(), &[Scope::Read], true),
            (&Access::everything(), &[Scope::Admin], true),
        ] {
            assert_eq!(access.require(scopes).is_ok(), allowed, "{access:?}");
        }
        let error = reader.require(&[Scope::Ingest]).unwrap_err();
        let expected = "this takes the scope `ingest`, and the caller has `read`";
        assert_eq!(error.message(), expected);
    }

    #[test]
    fn collections_are_kept_to() {
        let notes: CollectionName = "notes".parse().unwrap();
        let docs: CollectionName = "docs".parse().unwrap();
        let limited = Access::new("n", &[Scope::Read], Some(vec![notes.clone()]));
        assert!(limited.require_collection(&notes).is_ok());
        let error = limited.require_collection(&docs).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden);
        assert!(Access::everything().admits(&docs));
        let some_admin = Access::new("a", &[Scope::Admin], Some(vec![notes.clone()]));
        assert!(some_admin.require(&[Scope::Admin]).is_ok());
        assert!(some_admin.require_whole().is_err());
        assert!(Access::everything().require_whole().is_ok());
        let nothing = Access::new("n", &[Scope::Read], Some(Vec::new()));
        assert!(!nothing.admits(&notes));
    }
}
