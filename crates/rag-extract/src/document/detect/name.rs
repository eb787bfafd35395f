//! What a file's name and a server's word promise.

use super::Format;
use crate::About;

/// Extensions of source code, configuration and data.
const CODE: &[&str] = &[
    "rs",
    "py",
    "pyi",
    "js",
    "mjs",
    "cjs",
    "jsx",
    "ts",
    "tsx",
    "go",
    "java",
    "kt",
    "kts",
    "scala",
    "groovy",
    "c",
    "h",
    "cc",
    "cpp",
    "cxx",
    "hpp",
    "hh",
    "cs",
    "fs",
    "swift",
    "m",
    "mm",
    "rb",
    "php",
    "pl",
    "pm",
    "lua",
    "r",
    "jl",
    "hs",
    "ml",
    "mli",
    "ex",
    "exs",
    "erl",
    "clj",
    "lisp",
    "scm",
    "sh",
    "bash",
    "zsh",
    "fish",
    "ps1",
    "bat",
    "sql",
    "proto",
    "graphql",
    "css",
    "scss",
    "less",
    "xml",
    "xsd",
    "xsl",
    "svg",
    "rss",
    "atom",
    "vue",
    "svelte",
    "astro",
    "json",
    "jsonl",
    "ndjson",
    "json5",
    "yaml",
    "yml",
    "toml",
    "ini",
    "cfg",
    "conf",
    "properties",
    "env",
    "tf",
    "hcl",
    "nix",
    "dart",
    "zig",
    "nim",
    "v",
    "vhd",
    "asm",
    "s",
    "cmake",
    "gradle",
    "bazel",
    "tex",
    "sty",
    "bib",
    "diff",
    "patch",
    "mk",
    "j2",
    "hbs",
    "ejs",
    "erb",
    "tmpl",
];
/// Whole names of files that have no extension.
const CODE_NAMES: &[&str] = &[
    "dockerfile",
    "containerfile",
    "makefile",
    "justfile",
    "gemfile",
    "rakefile",
    "jenkinsfile",
    "procfile",
    "vagrantfile",
];

/// The format that a name promises, or else a content type.
pub(super) fn format_of(about: &About<'_>) -> Option<Format> {
    about
        .name
        .and_then(by_name)
        .or_else(|| about.content_type.and_then(by_content_type))
}

fn by_name(name: &str) -> Option<Format> {
    let name = name.rsplit(['/', '\\']).next()?.to_lowercase();
    let Some((_, extension)) = name.rsplit_once('.') else {
        return CODE_NAMES.contains(&name.as_str()).then_some(Format::Code);
    };
    Some(match extension {
        "txt" | "text" | "log" | "adoc" | "asciidoc" | "org" | "srt" | "vtt" => Format::Text,
        "md" | "markdown" | "mdx" | "mdown" | "qmd" | "rmd" => Format::Markdown,
        "rst" | "rest" => Format::RestructuredText,
        "csv" | "tsv" | "tab" => Format::Table,
        "html" | "htm" | "xhtml" => Format::Html,
        "ipynb" => Format::Notebook,
        "pdf" => Format::Pdf,
        "doc" | "dot" => Format::Doc,
        "docx" | "docm" | "dotx" => Format::Docx,
        "ppt" | "pps" | "pot" => Format::Ppt,
        "pptx" | "pptm" | "ppsx" | "potx" => Format::Pptx,
        "xls" | "xlt" => Format::Xls,
        "xlsx" | "xlsm" | "xlsb" | "xltx" => Format::Xlsx,
        "odt" | "ott" => Format::Odt,
        "odp" | "otp" => Format::Odp,
        "ods" | "ots" => Format::Ods,
        "rtf" => Format::Rtf,
        "epub" => Format::Epub,
        "zip" | "tar" | "gz" | "tgz" => Format::Archive,
        extension if CODE.contains(&extension) => Format::Code,
        _ => return None,
    })
}

fn by_content_type(content_type: &str) -> Option<Format> {
    let essence = content_type.split(';').next()?.trim().to_lowercase();
    Some(match essence.as_str() {
        "text/html" | "application/xhtml+xml" => Format::Html,
        "text/markdown" | "text/x-markdown" => Format::Markdown,
        "text/x-rst" | "text/prs.fallenstein.rst" => Format::RestructuredText,
        "text/csv" | "text/tab-separated-values" => Format::Table,
        "application/x-ipynb+json" => Format::Notebook,
        "application/json"
        | "application/xml"
        | "text/xml"
        | "application/yaml"
        | "application/toml"
        | "text/javascript"
        | "application/javascript"
        | "text/css" => Format::Code,
        other if other.ends_with("+json") || other.ends_with("+xml") => Format::Code,
        "text/plain" => Format::Text,
        _ => return None,
    })
}
