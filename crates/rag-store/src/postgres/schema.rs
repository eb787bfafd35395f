//! The schema and how a database gets to the newest one.
//!
//! Migrations only go forward and all run in one transaction under a lock, so
//! that of several programs that start with a new database one makes the schema
//! and the others find it made. What is in other schemas is not touched.

use rag_core::port::StoreError;

use super::error::{Failure, code};
use super::options::PostgresOptions;
use super::session::Session;

/// The newest version.
const VERSION: u32 = 2;

/// Migration `n` brings a database from version `n` to version `n + 1`.
const MIGRATIONS: [&str; VERSION as usize] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
];

/// Who has this advisory lock migrates: `ragm`.
const MIGRATION_LOCK: i64 = 0x7261_676d;

/// The first version of pgvector that goes on searching an index when a filter
/// leaves too little of what it found.
const VECTOR_VERSION_MIN: (u32, u32) = (0, 8);

/// From which version of the schema to which a database was brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// What was there; 0 for nothing.
    pub from: u32,
    /// What is there now.
    pub to: u32,
}

/// Sees that the schema is there, as far as it may makes it so, and gives what
/// a transaction must set to find what is in it.
pub(super) async fn prepare(
    session: &mut Session,
    options: &PostgresOptions,
    location: &str,
) -> Result<String, Failure> {
    let found = version(session, &options.schema, location).await?;
    if found < VERSION {
        if !options.migrate {
            return Err(not_migrated(found, location).into());
        }
        migrate(session, &options.schema, location).await?;
    }
    let Some((vector_schema, vector_version)) = vector_extension(session).await? else {
        return Err(without_vector(location, "it is not installed").into());
    };
    check_vector_version(&vector_version, location)?;
    let (schema, vector_schema) = (&options.schema, vector_schema.replace('"', "\"\""));
    Ok(format!(
        "SET LOCAL search_path = \"{schema}\", \"{vector_schema}\"; "
    ))
}

/// Brings the database to the newest schema. Writes nothing when it is there.
pub(super) async fn migrate(
    session: &mut Session,
    schema: &str,
    location: &str,
) -> Result<Migrated, Failure> {
    if version(session, schema, location).await? == VERSION {
        return Ok(Migrated {
            from: VERSION,
            to: VERSION,
        });
    }
    let begin = format!("BEGIN; SELECT pg_advisory_xact_lock({MIGRATION_LOCK})");
    session.batch(begin).await?;
    let found = version(session, schema, location).await?;
    if found == 0 {
        make_schema(session, schema, location).await?;
    }
    session
        .batch(format!("SET LOCAL search_path = \"{schema}\""))
        .await?;
    for migration in MIGRATIONS.iter().skip(found as usize) {
        session.batch((*migration).to_owned()).await?;
    }
    session
        .batch(format!(
            "UPDATE schema_version SET number = {VERSION}; COMMIT"
        ))
        .await?;
    tracing::info!("brought the store at {location} from schema version {found} to {VERSION}");
    Ok(Migrated {
        from: found,
        to: VERSION,
    })
}

/// The version of the schema, 0 where there is none. A newer one is refused.
async fn version(session: &mut Session, schema: &str, location: &str) -> Result<u32, Failure> {
    // Asked of the tables themselves: what `to_regclass` did not find before waiting
    // for a lock, it does not find after either.
    let is_there = session
        .batch_value(format!(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables
                 WHERE schemaname = '{schema}' AND tablename = 'schema_version')::text"
        ))
        .await?;
    if is_there != "true" {
        return Ok(0);
    }
    let number = session
        .batch_value(format!(
            "SELECT number::text FROM \"{schema}\".schema_version"
        ))
        .await?;
    let found: u32 = number
        .parse()
        .map_err(|_| Failure::Damaged(format!("`{number}` is no version of a schema")))?;
    if found > VERSION {
        let location = location.to_owned();
        return Err(StoreError::TooNew {
            location,
            found,
            known: VERSION,
        }
        .into());
    }
    Ok(found)
}

/// Makes what migrations start from. A schema that others use is refused.
async fn make_schema(session: &mut Session, schema: &str, location: &str) -> Result<(), Failure> {
    let tables = session
        .batch_value(format!(
            "SELECT CASE WHEN NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '{schema}')
             THEN 'none'
             ELSE (SELECT count(*)::text FROM pg_class c
                   JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname = '{schema}') END"
        ))
        .await?;
    match tables.as_str() {
        // Even where it is there, `IF NOT EXISTS` asks for the right to make one.
        "none" => session.batch(format!("CREATE SCHEMA \"{schema}\"")).await?,
        "0" => {}
        _ => return Err(foreign(schema, location).into()),
    }
    if vector_extension(session).await?.is_none() {
        make_vector_extension(session, location).await?;
    }
    session
        .batch(format!(
            "CREATE TABLE \"{schema}\".schema_version (number integer NOT NULL);
             INSERT INTO \"{schema}\".schema_version VALUES (0)"
        ))
        .await
}

/// The schema that pgvector is in, and its version.
async fn vector_extension(session: &mut Session) -> Result<Option<(String, String)>, Failure> {
    let found = session
        .batch_value(
            "SELECT coalesce((SELECT n.nspname || ' ' || e.extversion FROM pg_extension e
             JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'), '')"
                .to_owned(),
        )
        .await?;
    let parts = found.rsplit_once(' ');
    Ok(parts.map(|(schema, version)| (schema.to_owned(), version.to_owned())))
}

/// Installs pgvector where that is allowed: beside other extensions, not in our
/// schema, with which it would go.
async fn make_vector_extension(session: &mut Session, location: &str) -> Result<(), Failure> {
    let made = session
        .batch(
            "DO $$ BEGIN
                 IF to_regnamespace('extensions') IS NOT NULL THEN
                     CREATE EXTENSION IF NOT EXISTS vector SCHEMA extensions;
                 ELSE
                     CREATE EXTENSION IF NOT EXISTS vector;
                 END IF;
             END $$"
                .to_owned(),
        )
        .await;
    match made {
        // Not allowed, not available, or without its files.
        Err(Failure::Sql(error))
            if matches!(
                code(&error).as_deref(),
                Some("42501" | "0A000" | "58P01" | "3F000")
            ) =>
        {
            Err(without_vector(location, &error.to_string()).into())
        }
        made => made,
    }
}

fn check_vector_version(version: &str, location: &str) -> Result<(), Failure> {
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    let (major, minor): (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if (major, minor) >= VECTOR_VERSION_MIN {
        return Ok(());
    }
    let (major, minor) = VECTOR_VERSION_MIN;
    let source = format!(
        "its extension `vector` (pgvector) is of version {version}\n\n\
         hint: {major}.{minor} or newer is needed: update it on the server, then run \
         `ALTER EXTENSION vector UPDATE;`"
    );
    Err(unusable(location, source.into()).into())
}

fn without_vector(location: &str, cause: &str) -> StoreError {
    let source = format!(
        "it lacks the extension `vector` (pgvector): {cause}\n\n\
         hint: run `CREATE EXTENSION vector;` in it as a superuser, or on Supabase enable `vector` \
         under Database → Extensions; version 0.8 or newer is needed"
    );
    unusable(location, source.into())
}

fn not_migrated(found: u32, location: &str) -> StoreError {
    let what = match found {
        0 => "the tables of the store are not there".to_owned(),
        _ => format!("its schema has version {found}, this program needs {VERSION}"),
    };
    unusable(
        location,
        format!("{what}\n\nhint: run `rag migrate`").into(),
    )
}

fn foreign(schema: &str, location: &str) -> StoreError {
    let source =
        format!("its schema `{schema}` has tables of another program\n\nhint: name another schema");
    unusable(location, source.into())
}

fn unusable(location: &str, source: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    StoreError::Unavailable {
        action: format!("use the database at {location}"),
        source,
    }
}
