//! An operation as the API has it: where it is, what it takes and gives.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use futures_util::future::BoxFuture;
use rag_memory::api::Object;
use rag_memory::{Error, Memory, Scope, Watch, arguments, schema};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::cursor;
use crate::http::problem::Problem;

type Run =
    dyn Fn(Memory, Object, Watch) -> BoxFuture<'static, Result<Value, Problem>> + Send + Sync;

/// A row of the table.
pub(super) struct Operation {
    /// What programs that are made from the description call it.
    pub(super) id: &'static str,
    pub(super) method: Method,
    /// Below `/api/v1`, with parameters in braces.
    pub(super) path: &'static str,
    /// What it does, in a sentence.
    pub(super) summary: &'static str,
    /// What its caller must have one of: what its tool takes, else `admin`, unless
    /// its row says otherwise.
    pub(super) scopes: &'static [Scope],
    /// Which argument each parameter of the path is.
    pub(super) path_arguments: &'static [(&'static str, &'static str)],
    /// Whether the same request may be sent again under a key.
    pub(super) takes_key: bool,
    /// Whether it takes files as forms, too.
    pub(super) takes_files: bool,
    /// Whether its body may have a whole document in it.
    pub(super) is_large: bool,
    /// The list in its answer that comes in pages, if one does.
    pub(super) pages: Option<&'static str>,
    pub(super) success: Success,
    /// What it may be asked, without what is in the path.
    pub(super) example: Value,
    /// The schema of all arguments.
    pub(super) input: Arc<Object>,
    /// The schema of the answer.
    pub(super) output: Arc<Object>,
    run: Box<Run>,
}

/// Which status an answer has, and where what it is about can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Success {
    /// 200.
    Found,
    /// 201, and a resource of that kind by what this field of the answer says.
    Created(&'static str, &'static str),
    /// 201 for a document that is new, 200 for another.
    Stored,
    /// 202 for a job that goes on, 200 for one that is over.
    Started,
}

/// What an operation gave.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// Below `/api/v1`.
    pub(super) location: Option<String>,
    pub(super) body: Value,
    /// Whether it was given before.
    pub(super) is_replayed: bool,
}

impl Operation {
    /// A row for what `run` does.
    pub(super) fn new<I, O, F>(
        method: Method,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        run: impl Fn(Memory, I, Watch) -> F + Send + Sync + 'static,
    ) -> Self
    where
        I: DeserializeOwned + JsonSchema,
        O: Serialize + JsonSchema,
        F: Future<Output = Result<O, Error>> + Send + 'static,
    {
        let input = schema::input::<I>();
        let checked = input.clone();
        let run = move |memory, object, watch| -> BoxFuture<'static, _> {
            match arguments::parse::<I>(&checked, object) {
                Ok(input) => {
                    let done = run(memory, input, watch);
                    Box::pin(async move {
                        let output = done.await.map_err(|error| Problem::from(&error))?;
                        Ok(in_full(&output))
                    })
                }
                Err(problems) => Box::pin(async move { Err(invalid(problems)) }),
            }
        };
        let scopes = rag_mcp::scopes_of_tool(tool(id)).unwrap_or(&[Scope::Admin]);
        Operation {
            id,
            method,
            path,
            summary,
            scopes,
            path_arguments: &[],
            takes_key: false,
            takes_files: false,
            is_large: false,
            pages: None,
            success: Success::Found,
            example: Value::Null,
            input,
            output: schema::output::<O>(),
            run: Box::new(run),
        }
    }

    pub(super) fn scopes(mut self, scopes: &'static [Scope]) -> Self {
        self.scopes = scopes;
        self
    }

    pub(super) fn at(mut self, arguments: &'static [(&'static str, &'static str)]) -> Self {
        self.path_arguments = arguments;
        self
    }

    pub(super) fn keyed(mut self) -> Self {
        self.takes_key = true;
        self
    }

    pub(super) fn with_files(mut self) -> Self {
        self.takes_files = true;
        self
    }

    pub(super) fn large(mut self) -> Self {
        self.is_large = true;
        self
    }

    pub(super) fn paged(mut self, list: &'static str) -> Self {
        self.pages = Some(list);
        self
    }

    pub(super) fn success(mut self, success: Success) -> Self {
        self.success = success;
        self
    }

    pub(super) fn example(mut self, example: Value) -> Self {
        self.example = example;
        self
    }

    /// The tool that does the same, where there is one.
    pub(super) fn tool(&self) -> &'static str {
        tool(self.id)
    }

    /// Does it.
    pub(super) async fn run(
        &self,
        memory: Memory,
        mut input: Object,
        watch: Watch,
    ) -> Result<Answer, Problem> {
        let offset = match self.pages {
            Some(_) => cursor::offset_in(&mut input)?,
            None => 0,
        };
        let mut body = (self.run)(memory, input, watch).await?;
        if let Some(list) = self.pages {
            cursor::add_next(&mut body, list, offset);
        }
        Ok(self.success.answer(body))
    }
}

impl Success {
    /// What is answered when `body` is what was given.
    pub(super) fn answer(self, body: Value) -> Answer {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (status, location) = match self {
            Success::Found => (StatusCode::OK, None),
            Success::Created(kind, field) => {
                let location = format!("/{kind}/{}", text(field));
                (StatusCode::CREATED, Some(location))
            }
            Success::Stored => {
                let status = match text("status").as_str() {
                    "ingested" => StatusCode::CREATED,
                    _ => StatusCode::OK,
                };
                let location = format!("/documents/{}", text("source_document_id"));
                (status, Some(location))
            }
            Success::Started => {
                let status = match text("status").as_str() {
                    "queued" | "running" => StatusCode::ACCEPTED,
                    _ => StatusCode::OK,
                };
                let job = text("job_id");
                (status, (!job.is_empty()).then(|| format!("/jobs/{job}")))
            }
        };
        Answer {
            status,
            location,
            body,
            is_replayed: false,
        }
    }

    /// The statuses it may give.
    pub(super) fn statuses(self) -> &'static [u16] {
        match self {
            Success::Found => &[200],
            Success::Created(..) => &[201],
            Success::Stored => &[200, 201],
            Success::Started => &[200, 202],
        }
    }
}

fn tool(id: &'static str) -> &'static str {
    match id {
        "get_document" => "get_document_by_id",
        id => id,
    }
}

/// What is wrong with what was sent.
pub(super) fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid", detail)
}

/// A wire type as JSON, by way of its text: a number of 32 bits keeps its digits.
pub(super) fn in_full(output: &impl Serialize) -> Value {
    let text = serde_json::to_string(output).expect("wire types are JSON");
    serde_json::from_str(&text).expect("what was written can be read")
}
